/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_pki.h"

#include "tls_maker.h"

#include <limits.h>
#include <string.h>

#define DAY ((int64_t)86400)
#define PEM_MAX ((size_t)256 * 1024 * 1024) /* a CRL of a few million serials */
#define OID_CODE_SIGNING "1.3.6.1.5.5.7.3.3"

static const struct {
    const char *word;
    enum reason status;
} kinds[TLS_PKI_BAD_COUNT] = {
    [TLS_PKI_GOOD] = {"good", REASON_VALID},
    [TLS_PKI_EXPIRED] = {"expired", REASON_EXPIRED},
    [TLS_PKI_NOT_YET_VALID] = {"not-yet-valid", REASON_NOT_YET_VALID},
    [TLS_PKI_WRONG_PURPOSE] = {"wrong-purpose", REASON_WRONG_PURPOSE},
    [TLS_PKI_NO_PURPOSE] = {"no-purpose", REASON_WRONG_PURPOSE},
    [TLS_PKI_ANY_PURPOSE] = {"any-purpose", REASON_WRONG_PURPOSE},
    [TLS_PKI_SELF_SIGNED] = {"self-signed", REASON_UNKNOWN_CA},
    [TLS_PKI_UNKNOWN_CA] = {"unknown-ca", REASON_UNKNOWN_CA},
    [TLS_PKI_WEAK] = {"weak", REASON_WEAK},
    [TLS_PKI_SHA1] = {"sha1", REASON_WEAK},
    [TLS_PKI_NO_SAN] = {"no-san", REASON_NAME_MISMATCH},
    [TLS_PKI_IS_CA] = {"is-ca", REASON_CONSTRAINT},
};

const char *tls_pki_bad_word(enum tls_pki_bad bad)
{
    return bad < TLS_PKI_BAD_COUNT ? kinds[bad].word : "unknown";
}

enum reason tls_pki_bad_status(enum tls_pki_bad bad)
{
    return bad < TLS_PKI_BAD_COUNT ? kinds[bad].status : REASON_UNDECIDED;
}

enum tls_pki_bad tls_pki_bad_find(const char *word)
{
    for (enum tls_pki_bad bad = TLS_PKI_GOOD; bad < TLS_PKI_BAD_COUNT; bad++)
        if (strcmp(kinds[bad].word, word) == 0)
            return bad;
    return TLS_PKI_BAD_COUNT;
}

void tls_pki_pair_clear(struct tls_pki_pair *pair)
{
    if (pair->key.data != NULL)
        gnutls_memset(pair->key.data, 0, pair->key.cap);
    bytes_clear(&pair->key);
    bytes_clear(&pair->certificate);
}

static gnutls_datum_t datum(struct span s)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)s.ptr, (unsigned)s.len};
}

static bool belong_together(const struct tls_maker *h)
{
    uint8_t of_crt[64], of_key[64];
    size_t n_crt = sizeof(of_crt), n_key = sizeof(of_key);
    return gnutls_x509_crt_get_key_id(h->crt, GNUTLS_KEYID_USE_SHA256, of_crt, &n_crt) == 0 &&
           gnutls_x509_privkey_get_key_id(h->key, GNUTLS_KEYID_USE_SHA256, of_key, &n_key) == 0 && n_crt == n_key &&
           memcmp(of_crt, of_key, n_crt) == 0;
}

static int import_ca(struct tls_maker *ca, struct span cert, struct span key, struct err *err)
{
    if (cert.len > INT_MAX || key.len > INT_MAX)
        return err_set(err, ERR_CREDENTIAL, "the CA's files are too large");
    if (tls_maker_init(ca, err) != 0)
        return -1;
    gnutls_datum_t cert_pem = datum(cert), key_pem = datum(key);
    int rc = gnutls_x509_crt_import(ca->crt, &cert_pem, GNUTLS_X509_FMT_PEM);
    const char *what = "the CA's certificate cannot be read";
    if (rc == 0) {
        rc = gnutls_x509_privkey_import2(ca->key, &key_pem, GNUTLS_X509_FMT_PEM, NULL, 0);
        what = "the CA's key cannot be read";
    }
    if (rc == 0 && belong_together(ca))
        return 0;
    tls_maker_clear(ca);
    return rc == 0 ? err_set(err, ERR_CREDENTIAL, "the CA's key does not match the CA's certificate") : tls_maker_failed(err, what, rc);
}

/* The CA's certificate with a key that is not the CA's. */
static int import_impostor(struct tls_maker *ca, struct span cert, struct err *err)
{
    if (tls_maker_init(ca, err) != 0)
        return -1;
    gnutls_datum_t cert_pem = datum(cert);
    int rc = gnutls_x509_privkey_generate(ca->key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    if (rc == 0)
        rc = gnutls_x509_crt_import(ca->crt, &cert_pem, GNUTLS_X509_FMT_PEM);
    if (rc == 0)
        return 0;
    tls_maker_clear(ca);
    return tls_maker_failed(err, "the CA's certificate cannot be read", rc);
}

static int export_pair(const struct tls_maker *h, struct tls_pki_pair *out, struct err *err)
{
    gnutls_datum_t pem = {NULL, 0};
    bytes_init(&out->certificate, PEM_MAX);
    bytes_init(&out->key, PEM_MAX);
    int rc = gnutls_x509_crt_export2(h->crt, GNUTLS_X509_FMT_PEM, &pem);
    if (rc != 0)
        return tls_maker_failed(err, "cannot write the certificate", rc);
    int copied = bytes_append(&out->certificate, pem.data, pem.size);
    gnutls_free(pem.data);
    pem = (gnutls_datum_t){NULL, 0};
    rc = gnutls_x509_privkey_export2_pkcs8(h->key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
    if (rc != 0)
        return tls_maker_failed(err, "cannot write the key", rc);
    if (copied == 0)
        copied = bytes_append(&out->key, pem.data, pem.size);
    gnutls_memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    return copied == 0 ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

int tls_pki_new_ca(const char *cn, int64_t not_before, int64_t not_after, struct tls_pki_pair *out, struct err *err)
{
    struct tls_maker ca;
    *out = (struct tls_pki_pair){0};
    if (tls_maker_init(&ca, err) != 0)
        return -1;
    int rc = -1;
    if (tls_maker_key(&ca, false, err) != 0 || tls_maker_dn(&ca, GNUTLS_OID_X520_COMMON_NAME, cn, err) != 0 ||
        tls_maker_dates(&ca, not_before, not_after, 1, err) != 0 || tls_maker_key_ids(&ca, ca.crt, err) != 0)
        goto done;
    rc = gnutls_x509_crt_set_basic_constraints(ca.crt, 1, -1);
    if (rc == 0)
        rc = gnutls_x509_crt_set_key_usage(ca.crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
    if (rc == 0)
        rc = gnutls_x509_crt_sign2(ca.crt, ca.crt, ca.key, GNUTLS_DIG_SHA256, 0);
    rc = rc == 0 ? export_pair(&ca, out, err) : tls_maker_failed(err, "cannot sign the CA's certificate", rc);
done:
    tls_maker_clear(&ca);
    if (rc != 0)
        tls_pki_pair_clear(out);
    return rc;
}

static int set_subject(struct tls_maker *m, const struct tls_pki_order *order, struct err *err)
{
    if (tls_maker_dn(m, GNUTLS_OID_X520_ORGANIZATION_NAME, order->o, err) != 0 ||
        tls_maker_dn(m, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, order->ou, err) != 0 ||
        tls_maker_dn(m, GNUTLS_OID_X520_COMMON_NAME, order->cn, err) != 0)
        return -1;
    for (size_t i = 0; i < order->n_sans && order->bad != TLS_PKI_NO_SAN; i++)
        if (tls_maker_san(m, order->sans[i], err) != 0)
            return -1;
    return 0;
}

static int add_purpose(gnutls_x509_crt_t crt, enum tls_purpose purpose)
{
    return gnutls_x509_crt_set_key_purpose_oid(
        crt, purpose == TLS_PURPOSE_CLIENT ? GNUTLS_KP_TLS_WWW_CLIENT : GNUTLS_KP_TLS_WWW_SERVER, 0);
}

static int set_purposes(gnutls_x509_crt_t crt, const struct tls_pki_order *order)
{
    enum tls_purpose other = order->purpose == TLS_PURPOSE_CLIENT ? TLS_PURPOSE_SERVER : TLS_PURPOSE_CLIENT;
    if (order->bad == TLS_PKI_NO_PURPOSE)
        return gnutls_x509_crt_set_key_purpose_oid(crt, OID_CODE_SIGNING, 0);
    if (order->bad == TLS_PKI_ANY_PURPOSE)
        return gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_ANY, 0);
    if (order->bad == TLS_PKI_WRONG_PURPOSE)
        return add_purpose(crt, other);
    int rc = add_purpose(crt, order->purpose);
    return rc == 0 && order->both_purposes ? add_purpose(crt, other) : rc;
}

static int set_usage(gnutls_x509_crt_t crt, const struct tls_pki_order *order, struct err *err)
{
    bool is_ca = order->bad == TLS_PKI_IS_CA;
    unsigned usage = GNUTLS_KEY_DIGITAL_SIGNATURE;
    if (is_ca)
        usage |= GNUTLS_KEY_KEY_CERT_SIGN;
    if (order->bad == TLS_PKI_WEAK)
        usage |= GNUTLS_KEY_KEY_ENCIPHERMENT; /* RSA */
    int rc = gnutls_x509_crt_set_basic_constraints(crt, is_ca, -1);
    if (rc == 0)
        rc = gnutls_x509_crt_set_key_usage(crt, usage);
    if (rc == 0)
        rc = set_purposes(crt, order);
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot set the key's purpose", rc);
}

void tls_pki_dates(const struct tls_pki_order *order, int64_t *not_before, int64_t *not_after)
{
    *not_before = order->not_before;
    *not_after = order->not_after;
    if (order->bad == TLS_PKI_EXPIRED) {
        *not_after = order->not_before - DAY;
        *not_before = *not_after - 30 * DAY;
    } else if (order->bad == TLS_PKI_NOT_YET_VALID) {
        *not_before = order->not_after + DAY;
        *not_after = *not_before + 30 * DAY;
    }
}

static int fill_leaf(struct tls_maker *m, const struct tls_pki_order *order, uint64_t serial, struct err *err)
{
    int64_t from, until;
    tls_pki_dates(order, &from, &until);
    if (set_subject(m, order, err) != 0 || set_usage(m->crt, order, err) != 0)
        return -1;
    return tls_maker_dates(m, from, until, serial, err);
}

static int sign_leaf(struct tls_maker *leaf, const struct tls_maker *ca, const struct tls_pki_order *order, struct err *err)
{
    bool self = order->bad == TLS_PKI_SELF_SIGNED;
    gnutls_x509_crt_t issuer = self ? leaf->crt : ca->crt;
    if (tls_maker_key_ids(leaf, issuer, err) != 0)
        return -1;
    gnutls_digest_algorithm_t digest = order->bad == TLS_PKI_SHA1 ? GNUTLS_DIG_SHA1 : GNUTLS_DIG_SHA256;
    int rc = gnutls_x509_crt_sign2(leaf->crt, issuer, self ? leaf->key : ca->key, digest, 0);
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot sign the certificate", rc);
}

int tls_pki_issue(struct span ca_cert, struct span ca_key, const struct tls_pki_order *order, uint64_t serial,
                  struct tls_pki_pair *out, struct err *err)
{
    struct tls_maker ca = {NULL, NULL}, leaf = {NULL, NULL};
    int rc = -1;
    *out = (struct tls_pki_pair){0};
    if (order->bad == TLS_PKI_UNKNOWN_CA ? import_impostor(&ca, ca_cert, err) != 0
                                         : import_ca(&ca, ca_cert, ca_key, err) != 0)
        goto done;
    if (tls_maker_init(&leaf, err) != 0 || tls_maker_key(&leaf, order->bad == TLS_PKI_WEAK, err) != 0 ||
        fill_leaf(&leaf, order, serial, err) != 0 || sign_leaf(&leaf, &ca, order, err) != 0)
        goto done;
    rc = export_pair(&leaf, out, err);
done:
    tls_maker_clear(&leaf);
    tls_maker_clear(&ca);
    if (rc != 0)
        tls_pki_pair_clear(out);
    return rc;
}

static int set_crl_ids(gnutls_x509_crl_t crl, gnutls_x509_crt_t ca, uint64_t number)
{
    uint8_t id[64], raw[9];
    size_t size = sizeof(id);
    int rc = gnutls_x509_crt_get_subject_key_id(ca, id, &size, NULL);
    if (rc == 0)
        rc = gnutls_x509_crl_set_authority_key_id(crl, id, size);
    struct span der = tls_maker_serial(number, raw);
    return rc == 0 ? gnutls_x509_crl_set_number(crl, der.ptr, der.len) : rc;
}

static int add_revoked(gnutls_x509_crl_t crl, const struct tls_pki_revoked *revoked, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t raw[9];
        struct span der = tls_maker_serial(revoked[i].serial, raw);
        int rc = gnutls_x509_crl_set_crt_serial(crl, der.ptr, der.len, (time_t)revoked[i].when);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int export_crl(gnutls_x509_crl_t crl, struct bytes *out, struct err *err)
{
    gnutls_datum_t pem = {NULL, 0};
    int rc = gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, &pem);
    if (rc != 0)
        return tls_maker_failed(err, "cannot write the CRL", rc);
    bytes_init(out, PEM_MAX);
    rc = bytes_append(out, pem.data, pem.size);
    gnutls_free(pem.data);
    return rc == 0 ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

int tls_pki_make_crl(struct span ca_cert, struct span ca_key, const struct tls_pki_revoked *revoked, size_t n, uint64_t number,
                     int64_t this_update, int64_t next_update, struct bytes *out, struct err *err)
{
    struct tls_maker issuer;
    gnutls_x509_crl_t crl = NULL;
    if (import_ca(&issuer, ca_cert, ca_key, err) != 0)
        return -1;
    int rc = gnutls_x509_crl_init(&crl);
    if (rc == 0)
        rc = gnutls_x509_crl_set_version(crl, 2);
    if (rc == 0)
        rc = gnutls_x509_crl_set_this_update(crl, (time_t)this_update);
    if (rc == 0)
        rc = gnutls_x509_crl_set_next_update(crl, (time_t)next_update);
    if (rc == 0)
        rc = add_revoked(crl, revoked, n);
    if (rc == 0)
        rc = set_crl_ids(crl, issuer.crt, number);
    if (rc == 0)
        rc = gnutls_x509_crl_sign2(crl, issuer.crt, issuer.key, GNUTLS_DIG_SHA256, 0);
    rc = rc == 0 ? export_crl(crl, out, err) : tls_maker_failed(err, "cannot sign the CRL", rc);
    if (crl != NULL)
        gnutls_x509_crl_deinit(crl);
    tls_maker_clear(&issuer);
    return rc;
}
