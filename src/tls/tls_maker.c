/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_maker.h"

#include <arpa/inet.h>
#include <string.h>

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

int tls_maker_key(struct tls_maker *m, bool weak, struct err *err)
{
    int rc = weak ? gnutls_x509_privkey_generate(m->key, GNUTLS_PK_RSA, 1024, 0)
                  : gnutls_x509_privkey_generate(m->key, GNUTLS_PK_ECDSA,
                                                 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    if (rc == 0)
        rc = gnutls_x509_crt_set_key(m->crt, m->key);
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot generate a key", rc);
}

int tls_maker_dn(struct tls_maker *m, const char *oid, const char *value, struct err *err)
{
    if (value == NULL || value[0] == '\0')
        return 0;
    int rc = gnutls_x509_crt_set_dn_by_oid(m->crt, oid, 0, value, (unsigned)strlen(value));
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot set the subject", rc);
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

int tls_maker_dates(struct tls_maker *m, int64_t not_before, int64_t not_after, uint64_t serial, struct err *err)
{
    uint8_t raw[9];
    struct span number = tls_maker_serial(serial, raw);
    int rc = gnutls_x509_crt_set_version(m->crt, 3);
    if (rc == 0)
        rc = gnutls_x509_crt_set_serial(m->crt, number.ptr, number.len);
    if (rc == 0)
        rc = gnutls_x509_crt_set_activation_time(m->crt, (time_t)not_before);
    if (rc == 0)
        rc = gnutls_x509_crt_set_expiration_time(m->crt, (time_t)not_after);
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot set serial and dates", rc);
}

int tls_maker_key_ids(struct tls_maker *m, gnutls_x509_crt_t issuer, struct err *err)
{
    uint8_t id[64];
    size_t size = sizeof(id);
    int rc = gnutls_x509_crt_get_key_id(m->crt, GNUTLS_KEYID_USE_SHA1, id, &size);
    if (rc == 0)
        rc = gnutls_x509_crt_set_subject_key_id(m->crt, id, size);
    size = sizeof(id);
    if (rc == 0)
        rc = gnutls_x509_crt_get_key_id(issuer, GNUTLS_KEYID_USE_SHA1, id, &size);
    if (rc == 0)
        rc = gnutls_x509_crt_set_authority_key_id(m->crt, id, size);
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot set the key identifiers", rc);
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

