/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_crl_parse.h"

#include "tls_der.h"

/* Only the serial of an entry matters. A certificateIssuer would make it the serial of another CA, critical or not. Another critical extension might
 * do so, too. */
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
        if (tls_cert_next_extension(&rest, &extension) != 0 || span_equals_str(extension.oid, "\x55\x1d\x1d") ||
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
    if (tls_der_expect(&in, DER_INTEGER, &element) != 0 || !tls_cert_serial_is_plain(element.value))
        return -1;
    *serial = tls_cert_serial_digits(element.value);
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
    *number = tls_cert_serial_digits(element.value);
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
                "%s: this revocation list covers only a part of the CA's certificates, or other CAs "
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

int tls_crl_parse(struct span der, const char *place, struct tls_crl_parsed *out, struct err *err)
{
    *out = (struct tls_crl_parsed){.der = der};
    struct tls_cert_envelope envelope;
    struct tls_der algorithm, issuer, element;
    if (tls_cert_read_envelope(der, &envelope) != 0)
        return err_set(err, ERR_CREDENTIAL, "%s: not a readable revocation list", place);
    struct span in = envelope.tbs.value;
    out->tbs = envelope.tbs.whole;
    out->algorithm = envelope.algorithm.value;
    out->signature = envelope.signature;
    if ((tls_der_peek(in, DER_INTEGER) && tls_der_next(&in, &element) != 0) ||
        tls_der_expect(&in, DER_SEQUENCE, &algorithm) != 0 || !span_equals(algorithm.value, out->algorithm) ||
        tls_der_expect(&in, DER_SEQUENCE, &issuer) != 0 || read_dates(&in, out) != 0)
        return err_set(err, ERR_CREDENTIAL, "%s: not a readable revocation list", place);
    out->issuer = issuer.whole;
    if (out->next_update == 0)
        return err_set(err, ERR_CREDENTIAL,
                       "%s: the revocation list has no nextUpdate, so that it would never become stale: create one with a nextUpdate (openssl ca -gencrl -crldays 30)",
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
