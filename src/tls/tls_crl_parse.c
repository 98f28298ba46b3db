/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_crl_parse.h"

#include "tls_der.h"

#include <gnutls/abstract.h>
#include <string.h>

static const char oid_rsa_pss[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";

static const struct {
    const char *oid;
    gnutls_sign_algorithm_t sign;
} algorithms[] = {
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", GNUTLS_SIGN_RSA_SHA256},
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", GNUTLS_SIGN_RSA_SHA384},
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", GNUTLS_SIGN_RSA_SHA512},
    {"\x2a\x86\x48\xce\x3d\x04\x03\x02", GNUTLS_SIGN_ECDSA_SHA256},
    {"\x2a\x86\x48\xce\x3d\x04\x03\x03", GNUTLS_SIGN_ECDSA_SHA384},
    {"\x2a\x86\x48\xce\x3d\x04\x03\x04", GNUTLS_SIGN_ECDSA_SHA512},
    {"\x2b\x65\x70", GNUTLS_SIGN_EDDSA_ED25519},
    {"\x2b\x65\x71", GNUTLS_SIGN_EDDSA_ED448},
};

struct span tls_crl_significant(struct span serial)
{
    while (serial.len > 1 && serial.ptr[0] == 0)
        serial = span_skip(serial, 1);
    return serial;
}

/* Of an entry only the serial matters; a critical extension there (certificateIssuer above all) would change
 * whose serial it is. */
static int check_entry_extensions(struct span entry)
{
    struct tls_der list;
    if (entry.len == 0)
        return 0;
    if (tls_der_expect(&entry, DER_SEQUENCE, &list) != 0 || entry.len != 0)
        return -1;
    struct span rest = list.value;
    struct tls_cert_extension extension;
    while (rest.len > 0)
        if (tls_cert_next_extension(&rest, &extension) != 0 ||
            (extension.critical && !span_equals_str(extension.oid, "\x55\x1d\x15"))) /* reasonCode */
            return -1;
    return 0;
}

int tls_crl_next_entry(struct span *rest, struct span *serial)
{
    struct tls_der entry, element;
    if (tls_der_expect(rest, DER_SEQUENCE, &entry) != 0)
        return -1;
    struct span in = entry.value;
    if (tls_der_expect(&in, DER_INTEGER, &element) != 0 || element.value.len == 0)
        return -1;
    *serial = tls_crl_significant(element.value);
    if (tls_der_next(&in, &element) != 0) /* when: a listed serial is revoked, whatever the date says */
        return -1;
    return check_entry_extensions(in);
}

/* RFC 5280 5.2.3: at most 20 bytes, never negative. */
static int read_number(struct span value, struct span *number)
{
    struct tls_der element;
    if (tls_der_expect(&value, DER_INTEGER, &element) != 0 || value.len != 0 || element.value.len == 0 || element.value.len > TLS_CRL_NUMBER_BYTES + 1 ||
        (element.value.ptr[0] & 0x80) != 0)
        return -1;
    *number = tls_crl_significant(element.value);
    return 0;
}

static int check_extensions(struct span in, struct tls_crl_parsed *out, const char *place, struct err *err)
{
    struct tls_der wrapper, list;
    if (in.len == 0)
        return 0;
    if (tls_der_expect(&in, DER_CONTEXT_CONSTRUCTED, &wrapper) != 0 || in.len != 0 ||
        tls_der_expect(&wrapper.value, DER_SEQUENCE, &list) != 0 || wrapper.value.len != 0)
        return err_set(err, ERR_CREDENTIAL, "%s: the revocation list is damaged after its entries", place);
    struct span rest = list.value;
    while (rest.len > 0) {
        struct tls_cert_extension e;
        if (tls_cert_next_extension(&rest, &e) != 0)
            return err_set(err, ERR_CREDENTIAL, "%s: the revocation list has a damaged extension", place);
        if (span_equals_str(e.oid, "\x55\x1d\x1b"))
            return err_set(err, ERR_CREDENTIAL,
                           "%s: this is a delta revocation list; give the full list of the CA", place);
        if (span_equals_str(e.oid, "\x55\x1d\x1c"))
            return err_set(
                err, ERR_CREDENTIAL,
                "%s: this revocation list speaks for a part of the CA's certificates or for other CAs "
                "(issuingDistributionPoint); give the full list of the CA",
                place);
        bool is_number = span_equals_str(e.oid, "\x55\x1d\x14");
        if (is_number && read_number(e.value, &out->number) != 0)
            return err_set(err, ERR_CREDENTIAL, "%s: the revocation list has a damaged number", place);
        bool known = is_number || span_equals_str(e.oid, "\x55\x1d\x23");
        if (e.critical && !known)
            return err_set(err, ERR_CREDENTIAL,
                           "%s: the revocation list has a critical extension that is not known here", place);
    }
    return 0;
}

static int read_dates(struct span *in, struct tls_crl_parsed *out)
{
    struct tls_der element;
    if (tls_der_next(in, &element) != 0 || tls_der_time(&element, &out->this_update) != 0)
        return -1;
    if (!tls_der_peek(*in, DER_UTC_TIME) && !tls_der_peek(*in, DER_GENERALIZED_TIME))
        return 0;
    return tls_der_next(in, &element) != 0 || tls_der_time(&element, &out->next_update) != 0 ? -1 : 0;
}

/* The outer SEQUENCE: what is signed, how, and the signature. */
static int read_envelope(struct span der, struct tls_crl_parsed *out, struct span *tbs)
{
    struct tls_der list, element;
    struct span rest = der;
    if (tls_der_expect(&rest, DER_SEQUENCE, &list) != 0 || rest.len != 0)
        return -1;
    struct span in = list.value;
    if (tls_der_expect(&in, DER_SEQUENCE, &element) != 0)
        return -1;
    out->tbs = element.whole;
    *tbs = element.value;
    if (tls_der_expect(&in, DER_SEQUENCE, &element) != 0)
        return -1;
    out->algorithm = element.value;
    if (tls_der_expect(&in, DER_BIT_STRING, &element) != 0 || in.len != 0 || element.value.len < 2 ||
        element.value.ptr[0] != 0)
        return -1;
    out->signature = span_skip(element.value, 1);
    return 0;
}

int tls_crl_parse(struct span der, const char *place, struct tls_crl_parsed *out, struct err *err)
{
    *out = (struct tls_crl_parsed){.der = der};
    struct span in = {0};
    struct tls_der algorithm, issuer, element;
    if (read_envelope(der, out, &in) != 0 ||
        (tls_der_peek(in, DER_INTEGER) && tls_der_next(&in, &element) != 0) ||
        tls_der_expect(&in, DER_SEQUENCE, &algorithm) != 0 || !span_equals(algorithm.value, out->algorithm) ||
        tls_der_expect(&in, DER_SEQUENCE, &issuer) != 0 || read_dates(&in, out) != 0)
        return err_set(err, ERR_CREDENTIAL, "%s: not a readable revocation list", place);
    out->issuer = issuer.whole;
    if (out->next_update == 0)
        return err_set(err, ERR_CREDENTIAL,
                       "%s: the revocation list has no nextUpdate, so nobody could tell when it is stale",
                       place);
    if (tls_der_peek(in, DER_SEQUENCE)) {
        if (tls_der_next(&in, &element) != 0)
            return err_set(err, ERR_CREDENTIAL, "%s: not a readable revocation list", place);
        out->entries = element.value;
    }
    struct span rest = out->entries, serial;
    for (size_t i = 1; rest.len > 0; i++)
        if (tls_crl_next_entry(&rest, &serial) != 0)
            return err_set(
                err, ERR_CREDENTIAL,
                "%s: entry %zu of the revocation list is damaged, or it is for another CA (indirect list)",
                place, i);
    return check_extensions(in, out, place, err);
}

static gnutls_sign_algorithm_t find_algorithm(struct span algorithm, struct span *oid)
{
    struct tls_der element;
    *oid = (struct span){0};
    if (tls_der_expect(&algorithm, DER_OID, &element) != 0)
        return GNUTLS_SIGN_UNKNOWN;
    *oid = element.value;
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        if (span_equals_str(*oid, algorithms[i].oid))
            return algorithms[i].sign;
    return GNUTLS_SIGN_UNKNOWN;
}

bool tls_crl_strong(const struct tls_crl_parsed *crl)
{
    struct span oid;
    return find_algorithm(crl->algorithm, &oid) != GNUTLS_SIGN_UNKNOWN || span_equals_str(oid, oid_rsa_pss);
}

/* RSA-PSS carries parameters that only GnuTLS's own list type reads; it decodes the whole list, which is why
 * the others do not go this way. */
static bool verify_through_gnutls(const struct tls_crl_parsed *crl, gnutls_x509_crt_t issuer)
{
    gnutls_x509_crl_t list;
    unsigned status = ~0U;
    gnutls_datum_t der = {(unsigned char *)(uintptr_t)crl->der.ptr, (unsigned)crl->der.len};
    if (gnutls_x509_crl_init(&list) != 0)
        return false;
    if (gnutls_x509_crl_import(list, &der, GNUTLS_X509_FMT_DER) != 0 ||
        gnutls_x509_crl_verify(list, &issuer, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status) != 0)
        status = ~0U;
    gnutls_x509_crl_deinit(list);
    return status == 0;
}

static bool verify_directly(const struct tls_crl_parsed *crl, gnutls_x509_crt_t issuer,
                            gnutls_sign_algorithm_t sign)
{
    gnutls_pubkey_t key;
    gnutls_datum_t tbs = {(unsigned char *)(uintptr_t)crl->tbs.ptr, (unsigned)crl->tbs.len};
    gnutls_datum_t signature = {(unsigned char *)(uintptr_t)crl->signature.ptr, (unsigned)crl->signature.len};
    if (gnutls_pubkey_init(&key) != 0)
        return false;
    int rc = gnutls_pubkey_import_x509(key, issuer, 0);
    if (rc >= 0)
        rc = gnutls_pubkey_verify_data2(key, sign, 0, &tbs, &signature);
    gnutls_pubkey_deinit(key);
    return rc >= 0;
}

bool tls_crl_signed_by(const struct tls_crl_parsed *crl, gnutls_x509_crt_t issuer)
{
    unsigned usage = 0;
    int rc = gnutls_x509_crt_get_key_usage(issuer, &usage, NULL);
    if (rc != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE && (rc < 0 || (usage & GNUTLS_KEY_CRL_SIGN) == 0))
        return false;
    struct span oid;
    gnutls_sign_algorithm_t sign = find_algorithm(crl->algorithm, &oid);
    if (sign == GNUTLS_SIGN_UNKNOWN)
        return span_equals_str(oid, oid_rsa_pss) && verify_through_gnutls(crl, issuer);
    return verify_directly(crl, issuer, sign);
}
