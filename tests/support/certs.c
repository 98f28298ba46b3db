/* SPDX-License-Identifier: Apache-2.0 */
#include "certs.h"

#include <arpa/inet.h>
#include <gnutls/abstract.h>
#include <gnutls/x509-ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(call) must((call), #call, __LINE__)

static void must(int rc, const char *what, int line)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "certs.c:%d: %s: %s\n", line, what, gnutls_strerror(rc));
    abort();
}

static struct span own(gnutls_datum_t d)
{
    uint8_t *copy = malloc(d.size + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, d.data, d.size);
    copy[d.size] = 0;
    struct span s = span_of(copy, d.size);
    gnutls_free(d.data);
    return s;
}

static gnutls_datum_t datum(struct span s)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)s.ptr, (unsigned)s.len};
}

static void make_key(const struct certs_order *order, gnutls_x509_privkey_t *key)
{
    static const struct {
        gnutls_pk_algorithm_t algorithm;
        unsigned bits;
    } kinds[] = {
        [CERTS_P256] = {GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1)},
        [CERTS_P224] = {GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP224R1)},
        [CERTS_P384] = {GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1)},
        [CERTS_P521] = {GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP521R1)},
        [CERTS_ED25519] = {GNUTLS_PK_EDDSA_ED25519, 0},
        [CERTS_RSA_2048] = {GNUTLS_PK_RSA, 2048},
        [CERTS_RSA_1024] = {GNUTLS_PK_RSA, 1024},
    };
    MUST(gnutls_x509_privkey_init(key));
    if (order->same_key_as != NULL)
        MUST(gnutls_x509_privkey_cpy(*key, order->same_key_as->key));
    else
        MUST(gnutls_x509_privkey_generate(*key, kinds[order->key].algorithm, kinds[order->key].bits, 0));
}

static void show_rsa_key(gnutls_x509_crt_t crt, const struct certs_order *order)
{
    static uint8_t bytes[4096];
    gnutls_pubkey_t key;
    memset(bytes, 0xb7, sizeof(bytes)); /* odd, and its first bit set */
    gnutls_datum_t modulus = {bytes, (unsigned)order->rsa_bytes},
                   exponent = {bytes, (unsigned)order->exponent_bytes};
    MUST(gnutls_pubkey_init(&key));
    MUST(gnutls_pubkey_import_rsa_raw(key, &modulus, &exponent));
    MUST(gnutls_x509_crt_set_pubkey(crt, key));
    gnutls_pubkey_deinit(key);
}

struct san {
    gnutls_x509_subject_alt_name_t type;
    uint8_t value[256];
    unsigned len;
};

/* "ip:10.0.0.0/8" is for name constraints: address and mask. */
static void parse_ip(const char *text, struct san *out)
{
    char address[64];
    snprintf(address, sizeof(address), "%s", text);
    char *slash = strchr(address, '/');
    if (slash != NULL)
        *slash = '\0';
    bool v6 = strchr(address, ':') != NULL;
    out->len = v6 ? 16 : 4;
    if (inet_pton(v6 ? AF_INET6 : AF_INET, address, out->value) != 1)
        abort();
    if (slash == NULL)
        return;
    long bits = strtol(slash + 1, NULL, 10);
    for (unsigned i = 0; i < out->len; i++, bits -= 8) {
        unsigned mask = bits >= 8 ? 0xffU : bits > 0 ? (0xff00U >> bits) & 0xffU : 0U;
        out->value[out->len + i] = (uint8_t)mask;
    }
    out->len *= 2;
}

static void parse_san(const char *text, struct san *out)
{
    static const struct {
        const char *prefix;
        gnutls_x509_subject_alt_name_t type;
    } kinds[] = {{"dns:", GNUTLS_SAN_DNSNAME},
                 {"uri:", GNUTLS_SAN_URI},
                 {"email:", GNUTLS_SAN_RFC822NAME},
                 {"ip:", GNUTLS_SAN_IPADDRESS}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t n = strlen(kinds[i].prefix);
        if (strncmp(text, kinds[i].prefix, n) != 0)
            continue;
        out->type = kinds[i].type;
        if (out->type == GNUTLS_SAN_IPADDRESS) {
            parse_ip(text + n, out);
            return;
        }
        out->len = (unsigned)strlen(text + n);
        memcpy(out->value, text + n, out->len);
        return;
    }
    abort();
}

static void set_names(const struct certs_order *order, gnutls_x509_crt_t crt)
{
    static const char *const oids[] = {GNUTLS_OID_X520_ORGANIZATION_NAME,
                                       GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME,
                                       GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, GNUTLS_OID_X520_COMMON_NAME};
    const char *const values[] = {order->o, order->ou, order->second_ou, order->cn};
    if (order->dn != NULL)
        MUST(gnutls_x509_crt_set_dn(crt, order->dn, NULL));
    for (size_t i = 0; order->dn == NULL && i < 4; i++)
        if (values[i] != NULL)
            MUST(gnutls_x509_crt_set_dn_by_oid(crt, oids[i], 0, values[i], (unsigned)strlen(values[i])));
    for (size_t i = 0; i < sizeof(order->parts) / sizeof(order->parts[0]) && order->parts[i].oid != NULL; i++)
        MUST(gnutls_x509_crt_set_dn_by_oid(crt, order->parts[i].oid, 1, order->parts[i].der.ptr, (unsigned)order->parts[i].der.len));
    for (size_t i = 0; i < 8 && order->sans[i] != NULL; i++) {
        struct san san;
        parse_san(order->sans[i], &san);
        MUST(gnutls_x509_crt_set_subject_alt_name(crt, san.type, san.value, san.len, GNUTLS_FSAN_APPEND));
    }
    if (order->raw_san.len > 0)
        MUST(gnutls_x509_crt_set_extension_by_oid(crt, GNUTLS_X509EXT_OID_SAN, order->raw_san.ptr,
                                                  order->raw_san.len, 0));
}

static void set_purpose(const struct certs_order *order, gnutls_x509_crt_t crt)
{
    unsigned usage = order->usage;
    if (usage == 0)
        usage = order->ca ? GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN : GNUTLS_KEY_DIGITAL_SIGNATURE;
    if (!order->no_usage)
        MUST(gnutls_x509_crt_set_key_usage(crt, usage));
    if (order->raw_eku.len > 0) {
        MUST(gnutls_x509_crt_set_extension_by_oid(crt, GNUTLS_X509EXT_OID_EXTENDED_KEY_USAGE,
                                                  order->raw_eku.ptr, order->raw_eku.len, 0));
        return;
    }
    for (size_t i = 0; i < 4 && order->ekus[i] != NULL; i++)
        MUST(gnutls_x509_crt_set_key_purpose_oid(crt, order->ekus[i], 0));
    if (order->ekus[0] != NULL || order->no_eku || order->ca)
        return;
    MUST(gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0));
    MUST(gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0));
}

/* GnuTLS cannot write a directory name here, so the extension is made by hand; one short name. */
static void set_dn_constraint(gnutls_x509_crt_t crt, struct span name, uint8_t list)
{
    uint8_t der[128] = {0x30, (uint8_t)(name.len + 6), list, (uint8_t)(name.len + 4),
                        0x30, (uint8_t)(name.len + 2), 0xa4, (uint8_t)name.len};
    if (name.len == 0)
        return;
    memcpy(der + 8, name.ptr, name.len);
    MUST(
        gnutls_x509_crt_set_extension_by_oid(crt, GNUTLS_X509EXT_OID_NAME_CONSTRAINTS, der, name.len + 8, 1));
}

static void set_constraints(const struct certs_order *order, gnutls_x509_crt_t crt)
{
    gnutls_x509_name_constraints_t nc;
    bool any = false;
    MUST(gnutls_x509_name_constraints_init(&nc));
    for (size_t i = 0; i < 8; i++) {
        const char *text = i < 4 ? order->permitted[i] : order->excluded[i - 4];
        struct san san;
        if (text == NULL)
            continue;
        any = true;
        parse_san(text, &san);
        gnutls_datum_t value = {san.value, san.len};
        if (i < 4)
            MUST(gnutls_x509_name_constraints_add_permitted(nc, san.type, &value));
        else
            MUST(gnutls_x509_name_constraints_add_excluded(nc, san.type, &value));
    }
    if (any)
        MUST(gnutls_x509_crt_set_name_constraints(crt, nc, 1));
    gnutls_x509_name_constraints_deinit(nc);
    set_dn_constraint(crt, order->permitted_dn, 0xa0);
    set_dn_constraint(crt, order->excluded_dn, 0xa1);
}

static void set_extensions(const struct certs_order *order, gnutls_x509_crt_t crt, const struct certs *issuer)
{
    uint8_t id[64];
    size_t size = sizeof(id);
    if (!order->no_basic_constraints)
        MUST(gnutls_x509_crt_set_basic_constraints(crt, order->ca, order->path_length - 1));
    if (!order->no_key_ids) {
        MUST(gnutls_x509_crt_get_key_id(crt, 0, id, &size));
        MUST(gnutls_x509_crt_set_subject_key_id(crt, id, size));
        size = sizeof(id);
        if (issuer != NULL && gnutls_x509_crt_get_subject_key_id(issuer->crt, id, &size, NULL) == 0)
            MUST(gnutls_x509_crt_set_authority_key_id(crt, id, size));
    }
    static const uint8_t null[] = {0x05, 0x00};
    struct span value = order->extension_value.len > 0 ? order->extension_value : span_of(null, sizeof(null));
    if (order->policies.len > 0)
        MUST(gnutls_x509_crt_set_extension_by_oid(crt, "2.5.29.32", order->policies.ptr, order->policies.len, 0));
    if (order->extension != NULL)
        MUST(gnutls_x509_crt_set_extension_by_oid(crt, order->extension, value.ptr, value.len,
                                                  order->extension_critical));
}

/* Length of the element at p, its header included. */
static size_t element_length(const uint8_t *p)
{
    if (p[1] < 0x80)
        return 2 + (size_t)p[1];
    return p[1] == 0x81 ? 3 + (size_t)p[2] : 4 + ((size_t)p[2] << 8 | p[3]);
}

static void replace_signature(struct span *der, size_t n)
{
    const uint8_t *tbs = der->ptr + 4;
    size_t signed_part = element_length(tbs);
    signed_part += element_length(tbs + signed_part); /* and the algorithm */
    size_t content = signed_part + 5 + n;
    uint8_t *made = malloc(content + 4);
    if (made == NULL || der->ptr[1] != 0x82 || n < 256)
        abort();
    const uint8_t head[] = {0x30, 0x82, (uint8_t)(content >> 8), (uint8_t)content};
    const uint8_t bits[] = {0x03, 0x82, (uint8_t)((n + 1) >> 8), (uint8_t)(n + 1), 0};
    memcpy(made, head, sizeof(head));
    memcpy(made + 4, tbs, signed_part);
    memcpy(made + 4 + signed_part, bits, sizeof(bits));
    memset(made + 4 + signed_part + sizeof(bits), 0x11, n);
    certs_free(*der);
    *der = span_of(made, content + 4);
}

void certs_make(const struct certs_order *order, struct certs *out)
{
    static uint64_t next_serial = 0x1001;
    *out = (struct certs){0};
    gnutls_x509_crt_t crt;
    MUST(gnutls_x509_crt_init(&crt));
    make_key(order, &out->key);
    MUST(gnutls_x509_crt_set_key(crt, out->key));
    if (order->rsa_bytes > 0)
        show_rsa_key(crt, order);
    unsigned version = order->version > 0 ? order->version : 3;
    MUST(gnutls_x509_crt_set_version(crt, version));
    uint64_t number = order->serial > 0 ? order->serial : next_serial++;
    uint8_t serial[9] = {0};
    for (size_t i = 0; i < 8; i++)
        serial[8 - i] = (uint8_t)(number >> (8 * i));
    MUST(gnutls_x509_crt_set_serial(crt, serial, sizeof(serial)));
    MUST(gnutls_x509_crt_set_activation_time(crt, order->not_before != 0 ? order->not_before
                                                                         : CERTS_NOW - CERTS_DAY));
    MUST(gnutls_x509_crt_set_expiration_time(crt, order->not_after != 0 ? order->not_after
                                                                        : CERTS_NOW + 365 * CERTS_DAY));
    set_names(order, crt);
    if (version == 3) {
        set_purpose(order, crt);
        set_constraints(order, crt);
        set_extensions(order, crt, order->issuer);
    }
    bool eddsa =
        (order->issuer != NULL ? gnutls_x509_privkey_get_pk_algorithm(order->issuer->key)
                               : gnutls_x509_privkey_get_pk_algorithm(out->key)) == GNUTLS_PK_EDDSA_ED25519;
    gnutls_digest_algorithm_t digest = order->digest != 0 ? order->digest
                                       : eddsa            ? GNUTLS_DIG_SHA512
                                                          : GNUTLS_DIG_SHA256;
    MUST(gnutls_x509_crt_sign2(crt, order->issuer != NULL ? order->issuer->crt : crt,
                               order->issuer != NULL ? order->issuer->key : out->key, digest, 0));
    gnutls_datum_t d;
    MUST(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &d));
    out->der = own(d);
    if (order->signature_bytes > 0)
        replace_signature(&out->der, order->signature_bytes);
    MUST(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &d));
    out->pem = own(d);
    MUST(gnutls_x509_privkey_export2_pkcs8(out->key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &d));
    out->key_pem = own(d);
    gnutls_x509_crt_deinit(crt);
    d = datum(out->der);
    MUST(gnutls_x509_crt_init(&out->crt));
    if (gnutls_x509_crt_import(out->crt, &d, GNUTLS_X509_FMT_DER) < 0) { /* broken on purpose */
        gnutls_x509_crt_deinit(out->crt);
        out->crt = NULL;
    }
}

void certs_free(struct span owned)
{
    free((void *)(uintptr_t)owned.ptr);
}

void certs_clear(struct certs *c)
{
    gnutls_x509_crt_deinit(c->crt);
    gnutls_x509_privkey_deinit(c->key);
    certs_free(c->der);
    certs_free(c->pem);
    certs_free(c->key_pem);
    *c = (struct certs){0};
}

void certs_make_crl(const struct certs_crl_order *order, struct certs_crl *out)
{
    gnutls_x509_crl_t crl;
    gnutls_datum_t d;
    uint8_t id[64];
    size_t size = sizeof(id);
    int64_t this_update = order->this_update != 0 ? order->this_update : CERTS_NOW - CERTS_DAY;
    MUST(gnutls_x509_crl_init(&crl));
    MUST(gnutls_x509_crl_set_version(crl, 2));
    MUST(gnutls_x509_crl_set_this_update(crl, this_update));
    MUST(gnutls_x509_crl_set_next_update(crl, order->next_update != 0 ? order->next_update
                                                                      : CERTS_NOW + 7 * CERTS_DAY));
    for (size_t i = 0; i < order->n_serials; i++) {
        uint8_t serial[9] = {0};
        for (size_t j = 0; j < 8; j++)
            serial[8 - j] = (uint8_t)(order->serials[i] >> (8 * j));
        MUST(gnutls_x509_crl_set_crt_serial(crl, serial, sizeof(serial), this_update));
    }
    uint8_t number = order->number != 0 ? order->number : 1;
    MUST(gnutls_x509_crl_set_number(crl, &number, 1));
    MUST(gnutls_x509_crt_get_subject_key_id(order->issuer->crt, id, &size, NULL));
    MUST(gnutls_x509_crl_set_authority_key_id(crl, id, size));
    gnutls_x509_privkey_t key = order->signed_by != NULL ? order->signed_by->key : order->issuer->key;
    MUST(gnutls_x509_crl_sign2(crl, order->issuer->crt, key,
                               order->digest != 0 ? order->digest : GNUTLS_DIG_SHA256, 0));
    MUST(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_DER, &d));
    out->der = own(d);
    MUST(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, &d));
    out->pem = own(d);
    gnutls_x509_crl_deinit(crl);
}

void certs_crl_clear(struct certs_crl *c)
{
    certs_free(c->der);
    certs_free(c->pem);
    *c = (struct certs_crl){0};
}

struct span certs_join(const struct span *pieces, size_t n)
{
    size_t len = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        len += pieces[i].len;
    uint8_t *joined = malloc(len + 1);
    if (joined == NULL)
        abort();
    for (size_t i = 0; i < n; i++) {
        if (pieces[i].len > 0)
            memcpy(joined + at, pieces[i].ptr, pieces[i].len);
        at += pieces[i].len;
    }
    joined[len] = 0;
    return span_of(joined, len);
}
