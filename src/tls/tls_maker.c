/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_maker.h"

#include "tls_cert.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>

#define UNKNOWN_EXTENSION "1.3.6.1.4.1.99999.1"

void tls_maker_clear(struct tls_maker *m)
{
    if (m->crt != NULL)
        gnutls_x509_crt_deinit(m->crt);
    if (m->key != NULL)
        gnutls_x509_privkey_deinit(m->key);
    *m = (struct tls_maker){NULL, NULL};
}

int tls_maker_failed(struct err *err, const char *what, int rc)
{
    return err_set(err, rc == GNUTLS_E_MEMORY_ERROR ? ERR_MEMORY : ERR_CREDENTIAL, "%s: %s", what, gnutls_strerror(rc));
}

int tls_maker_init(struct tls_maker *m, struct err *err)
{
    *m = (struct tls_maker){NULL, NULL};
    int rc = gnutls_x509_crt_init(&m->crt);
    if (rc == 0)
        rc = gnutls_x509_privkey_init(&m->key);
    if (rc == 0)
        return 0;
    tls_maker_clear(m);
    return tls_maker_failed(err, "cannot begin a certificate", rc);
}

static int generate(gnutls_x509_privkey_t key, bool weak)
{
    return weak ? gnutls_x509_privkey_generate(key, GNUTLS_PK_RSA, 1024, 0)
                : gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
}

int tls_maker_key(struct tls_maker *m, bool weak, struct err *err)
{
    int rc = generate(m->key, weak);
    if (rc == 0)
        rc = gnutls_x509_crt_set_key(m->crt, m->key);
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot generate a key", rc);
}

int tls_maker_import(struct tls_maker *m, struct span cert, struct span key, struct err *err)
{
    if (cert.len > INT_MAX || key.len > INT_MAX)
        return err_set(err, ERR_CREDENTIAL, "the CA's files are too large");
    if (tls_maker_init(m, err) != 0)
        return -1;
    const gnutls_datum_t cert_pem = tls_cert_datum(cert), key_pem = tls_cert_datum(key);
    const char *what = "the CA's certificate cannot be read";
    int rc = gnutls_x509_crt_import(m->crt, &cert_pem, GNUTLS_X509_FMT_PEM);
    if (rc == 0) {
        what = "the CA's key cannot be read";
        rc = key.len == 0 ? generate(m->key, false) : gnutls_x509_privkey_import2(m->key, &key_pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    }
    if (rc == 0 && (key.len == 0 || tls_cert_has_key(m->crt, m->key)))
        return 0;
    tls_maker_clear(m);
    return rc == 0 ? err_set(err, ERR_CREDENTIAL, "the CA's key does not match the CA's certificate") : tls_maker_failed(err, what, rc);
}

struct span tls_maker_serial(uint64_t serial, uint8_t raw[9])
{
    raw[0] = 0;
    for (size_t i = 0; i < 8; i++)
        raw[1 + i] = (uint8_t)(serial >> (56 - 8 * i));
    size_t skip = 0;
    while (skip < 8 && raw[skip] == 0 && raw[skip + 1] < 0x80)
        skip++;
    return span_of(raw + skip, 9 - skip);
}

static int set_dates(gnutls_x509_crt_t crt, struct tls_maker_dates dates, uint64_t serial)
{
    uint8_t raw[9];
    struct span number = tls_maker_serial(serial, raw);
    int rc = gnutls_x509_crt_set_version(crt, 3);
    if (rc == 0)
        rc = gnutls_x509_crt_set_serial(crt, number.ptr, number.len);
    if (rc == 0)
        rc = gnutls_x509_crt_set_activation_time(crt, (time_t)dates.not_before);
    return rc == 0 ? gnutls_x509_crt_set_expiration_time(crt, (time_t)dates.not_after) : rc;
}

static unsigned usage_of(const struct tls_maker_shape *s)
{
    if (s->usage_wrong)
        return GNUTLS_KEY_CRL_SIGN;
    if (s->ca && !s->says_no_ca)
        return GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN;
    return GNUTLS_KEY_DIGITAL_SIGNATURE | (s->says_ca ? GNUTLS_KEY_KEY_CERT_SIGN : 0U) | (s->weak && !s->ca ? GNUTLS_KEY_KEY_ENCIPHERMENT : 0U /* RSA */);
}

static int set_purposes(gnutls_x509_crt_t crt, const struct tls_maker_shape *s)
{
    int rc = s->ca || s->purposes[0] != NULL ? 0 : gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0);
    for (size_t i = 0; rc == 0 && i < 2 && s->purposes[i] != NULL; i++)
        rc = gnutls_x509_crt_set_key_purpose_oid(crt, s->purposes[i], 0);
    return rc;
}

/* All addresses, of either family, are excluded: a permitted DNS name says nothing about them (RFC 5280 section 4.2.1.10). */
static int add_only(gnutls_x509_name_constraints_t names, const struct tls_maker_shape *s)
{
    static const uint8_t all[32]; /* address and mask, all zero */
    const gnutls_datum_t four = tls_cert_datum(span_of(all, 8)), six = tls_cert_datum(span_of(all, 32));
    int rc = 0;
    for (size_t i = 0; i < s->n_only && rc == 0; i++) {
        const gnutls_datum_t name = tls_cert_datum(span_from_str(s->only[i]));
        rc = gnutls_x509_name_constraints_add_permitted(names, GNUTLS_SAN_DNSNAME, &name);
    }
    if (rc == 0)
        rc = gnutls_x509_name_constraints_add_excluded(names, GNUTLS_SAN_IPADDRESS, &four);
    return rc == 0 ? gnutls_x509_name_constraints_add_excluded(names, GNUTLS_SAN_IPADDRESS, &six) : rc;
}

static int set_only(gnutls_x509_crt_t crt, const struct tls_maker_shape *s)
{
    gnutls_x509_name_constraints_t names;
    int rc = gnutls_x509_name_constraints_init(&names);
    if (rc != 0)
        return rc;
    rc = add_only(names, s);
    if (rc == 0)
        rc = gnutls_x509_crt_set_name_constraints(crt, names, 1);
    gnutls_x509_name_constraints_deinit(names);
    return rc;
}

static int set_constraints(gnutls_x509_crt_t crt, const struct tls_maker_shape *s)
{
    gnutls_x509_name_constraints_t names;
    if (s->n_only > 0)
        return set_only(crt, s);
    if (s->permitted == NULL && s->excluded == NULL)
        return 0;
    int rc = gnutls_x509_name_constraints_init(&names);
    if (rc != 0)
        return rc;
    const gnutls_datum_t name = tls_cert_datum(span_from_str(s->permitted != NULL ? s->permitted : s->excluded));
    rc = s->permitted != NULL ? gnutls_x509_name_constraints_add_permitted(names, GNUTLS_SAN_DNSNAME, &name)
                              : gnutls_x509_name_constraints_add_excluded(names, GNUTLS_SAN_DNSNAME, &name);
    if (rc == 0)
        rc = gnutls_x509_crt_set_name_constraints(crt, names, 1);
    gnutls_x509_name_constraints_deinit(names);
    return rc;
}

static int set_extensions(gnutls_x509_crt_t crt, const struct tls_maker_shape *s)
{
    static const unsigned char nothing[] = {5, 0};
    int rc = gnutls_x509_crt_set_basic_constraints(crt, (s->ca || s->says_ca) && !s->says_no_ca, s->path_length_0 ? 0 : -1);
    if (rc == 0)
        rc = gnutls_x509_crt_set_key_usage(crt, usage_of(s));
    if (rc == 0)
        rc = set_purposes(crt, s);
    if (rc == 0 && s->unknown_critical)
        rc = gnutls_x509_crt_set_extension_by_oid(crt, UNKNOWN_EXTENSION, nothing, sizeof(nothing), 1);
    return rc == 0 ? set_constraints(crt, s) : rc;
}

int tls_maker_begin(struct tls_maker *m, const struct tls_maker_shape *shape, struct tls_maker_dates dates, uint64_t serial, struct err *err)
{
    return tls_maker_begin_for_key(m, shape, dates, serial, err) == 0 ? tls_maker_key(m, shape->weak, err) : -1;
}

int tls_maker_begin_for_key(struct tls_maker *m, const struct tls_maker_shape *shape, struct tls_maker_dates dates, uint64_t serial, struct err *err)
{
    if (tls_maker_init(m, err) != 0)
        return -1;
    int rc = set_dates(m->crt, dates, serial);
    if (rc == 0)
        rc = set_extensions(m->crt, shape);
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot set the dates and the extensions", rc);
}

/* ---- its names ---- */

static int set_dn(struct tls_maker *m, const char *oid, const char *value, struct err *err)
{
    if (value == NULL || value[0] == '\0')
        return 0;
    int rc = gnutls_x509_crt_set_dn_by_oid(m->crt, oid, 0, value, (unsigned)strlen(value));
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot set the subject", rc);
}

int tls_maker_cn(struct tls_maker *m, const char *cn, struct err *err)
{
    return set_dn(m, GNUTLS_OID_X520_COMMON_NAME, cn, err);
}

int tls_maker_name(struct tls_maker *m, const struct tls_maker_names *names, struct err *err)
{
    if (set_dn(m, GNUTLS_OID_X520_ORGANIZATION_NAME, names->o, err) != 0 ||
        set_dn(m, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, names->ou, err) != 0 || tls_maker_cn(m, names->cn, err) != 0)
        return -1;
    for (size_t i = 0; i < names->n_sans; i++)
        if (tls_maker_san(m, names->sans[i], err) != 0)
            return -1;
    return 0;
}

static int add_ip(gnutls_x509_crt_t crt, const char *text, struct err *err)
{
    uint8_t raw[16];
    unsigned size = 4;
    if (inet_pton(AF_INET, text, raw) != 1) {
        size = 16;
        if (inet_pton(AF_INET6, text, raw) != 1)
            return err_set(err, ERR_USAGE, "ip:%s is not an IP address", text);
    }
    int rc = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, raw, size, GNUTLS_FSAN_APPEND);
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot add an IP address", rc);
}

int tls_maker_san(struct tls_maker *m, const char *san, struct err *err)
{
    static const struct {
        const char *prefix;
        gnutls_x509_subject_alt_name_t type;
    } types[] = {{"dns:", GNUTLS_SAN_DNSNAME}, {"uri:", GNUTLS_SAN_URI}, {"email:", GNUTLS_SAN_RFC822NAME}, {"ip:", GNUTLS_SAN_IPADDRESS}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t n = strlen(types[i].prefix);
        if (strncmp(san, types[i].prefix, n) != 0)
            continue;
        const char *value = san + n;
        if (value[0] == '\0')
            return err_set(err, ERR_USAGE, "\"%s\": the name after \"%s\" is missing", san, types[i].prefix);
        if (types[i].type == GNUTLS_SAN_IPADDRESS)
            return add_ip(m->crt, value, err);
        int rc = gnutls_x509_crt_set_subject_alt_name(m->crt, types[i].type, value, (unsigned)strlen(value), GNUTLS_FSAN_APPEND);
        return rc == 0 ? 0 : tls_maker_failed(err, san, rc);
    }
    return err_set(err, ERR_USAGE, "\"%s\" is not a name: write dns:HOST, ip:ADDRESS, uri:URI or email:ADDRESS", san);
}

/* ---- its signature, and its text ---- */

static int set_key_ids(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
    uint8_t id[64];
    size_t size = sizeof(id);
    int rc = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA1, id, &size);
    if (rc == 0)
        rc = gnutls_x509_crt_set_subject_key_id(crt, id, size);
    size = sizeof(id);
    if (rc == 0)
        rc = gnutls_x509_crt_get_key_id(issuer, GNUTLS_KEYID_USE_SHA1, id, &size);
    return rc == 0 ? gnutls_x509_crt_set_authority_key_id(crt, id, size) : rc;
}

int tls_maker_sign_with(struct tls_maker *m, gnutls_x509_crt_t issuer, gnutls_privkey_t key, struct err *err)
{
    int rc = set_key_ids(m->crt, issuer);
    if (rc == 0)
        rc = gnutls_x509_crt_privkey_sign(m->crt, issuer, key, GNUTLS_DIG_UNKNOWN, 0);
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot sign the certificate", rc);
}

int tls_maker_sign(struct tls_maker *m, const struct tls_maker *issuer, bool sha1, struct err *err)
{
    int rc = set_key_ids(m->crt, issuer->crt);
    if (rc == 0)
        rc = gnutls_x509_crt_sign2(m->crt, issuer->crt, issuer->key, sha1 ? GNUTLS_DIG_SHA1 : GNUTLS_DIG_SHA256, 0);
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot sign the certificate", rc);
}

int tls_maker_append_certificate(const struct tls_maker *m, bool broken, struct bytes *out, struct err *err)
{
    gnutls_datum_t der = {NULL, 0}, pem = {NULL, 0};
    int rc = gnutls_x509_crt_export2(m->crt, GNUTLS_X509_FMT_DER, &der);
    if (rc == 0 && broken)
        der.data[der.size - 1] ^= 1; /* the last byte of the signature's second number */
    if (rc == 0)
        rc = gnutls_pem_base64_encode2("CERTIFICATE", &der, &pem);
    if (rc == 0 && bytes_append(out, pem.data, pem.size) != 0)
        rc = GNUTLS_E_MEMORY_ERROR;
    gnutls_free(der.data);
    gnutls_free(pem.data);
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot write the certificate", rc);
}

int tls_maker_append_key(const struct tls_maker *m, struct bytes *out, struct err *err)
{
    gnutls_datum_t pem = {NULL, 0};
    int rc = gnutls_x509_privkey_export2_pkcs8(m->key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
    if (rc == 0 && bytes_append(out, pem.data, pem.size) != 0)
        rc = GNUTLS_E_MEMORY_ERROR;
    if (pem.data != NULL)
        gnutls_memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot write the key", rc);
}
