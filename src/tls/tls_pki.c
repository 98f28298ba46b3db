/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_pki.h"

#include "tls_maker.h"

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
    bytes_wipe(&pair->key);
    bytes_clear(&pair->certificate);
}

static int write_pair(const struct tls_maker *m, struct tls_pki_pair *out, struct err *err)
{
    bytes_init(&out->certificate, PEM_MAX);
    bytes_init(&out->key, PEM_MAX);
    return tls_maker_append_certificate(m, false, &out->certificate, err) == 0 ? tls_maker_append_key(m, &out->key, err) : -1;
}

int tls_pki_new_ca(const char *cn, int64_t not_before, int64_t not_after, struct tls_pki_pair *out, struct err *err)
{
    return tls_pki_make_ca(&(struct tls_pki_ca){.cn = cn, .not_before = not_before, .not_after = not_after}, out, err);
}

int tls_pki_make_ca(const struct tls_pki_ca *order, struct tls_pki_pair *out, struct err *err)
{
    const struct tls_maker_shape shape = {.ca = true, .only = order->only, .n_only = order->n_only, .path_length_0 = order->n_only > 0};
    struct tls_maker ca = {NULL, NULL};
    int rc = -1;
    *out = (struct tls_pki_pair){0};
    if (tls_maker_begin(&ca, &shape, (struct tls_maker_dates){order->not_before, order->not_after}, 1, err) == 0 && tls_maker_cn(&ca, order->cn, err) == 0 &&
        tls_maker_sign(&ca, &ca, false, err) == 0)
        rc = write_pair(&ca, out, err);
    tls_maker_clear(&ca);
    if (rc != 0)
        tls_pki_pair_clear(out);
    return rc;
}

static struct tls_maker_shape shape_of(const struct tls_pki_order *order)
{
    static const char *const oids[] = {[TLS_PURPOSE_CLIENT] = GNUTLS_KP_TLS_WWW_CLIENT, [TLS_PURPOSE_SERVER] = GNUTLS_KP_TLS_WWW_SERVER};
    const char *own = oids[order->purpose], *other = oids[order->purpose == TLS_PURPOSE_CLIENT ? TLS_PURPOSE_SERVER : TLS_PURPOSE_CLIENT];
    struct tls_maker_shape shape = {.weak = order->bad == TLS_PKI_WEAK, .sha1 = order->bad == TLS_PKI_SHA1, .says_ca = order->bad == TLS_PKI_IS_CA};
    if (order->bad == TLS_PKI_NO_PURPOSE || order->bad == TLS_PKI_ANY_PURPOSE) {
        shape.purposes[0] = order->bad == TLS_PKI_NO_PURPOSE ? OID_CODE_SIGNING : GNUTLS_KP_ANY;
    } else {
        shape.purposes[0] = order->bad == TLS_PKI_WRONG_PURPOSE ? other : own;
        shape.purposes[1] = order->both_purposes && order->bad != TLS_PKI_WRONG_PURPOSE ? other : NULL;
    }
    return shape;
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

static int make_leaf(struct tls_maker *leaf, const struct tls_maker *ca, const struct tls_pki_order *order, uint64_t serial, struct err *err)
{
    const struct tls_maker_shape shape = shape_of(order);
    struct tls_maker_dates dates;
    tls_pki_dates(order, &dates.not_before, &dates.not_after);
    const struct tls_maker_names names = {order->cn, order->ou, order->o, order->sans, order->bad != TLS_PKI_NO_SAN ? order->n_sans : 0};
    if (tls_maker_begin(leaf, &shape, dates, serial, err) != 0 || tls_maker_name(leaf, &names, err) != 0)
        return -1;
    return tls_maker_sign(leaf, order->bad == TLS_PKI_SELF_SIGNED ? leaf : ca, shape.sha1, err);
}

int tls_pki_issue(struct span ca_cert, struct span ca_key, const struct tls_pki_order *order, uint64_t serial,
                  struct tls_pki_pair *out, struct err *err)
{
    struct tls_maker ca = {NULL, NULL}, leaf = {NULL, NULL};
    struct span key = order->bad == TLS_PKI_UNKNOWN_CA ? (struct span){0} : ca_key;
    int rc = -1;
    *out = (struct tls_pki_pair){0};
    if (tls_maker_import(&ca, ca_cert, key, err) == 0 && make_leaf(&leaf, &ca, order, serial, err) == 0)
        rc = write_pair(&leaf, out, err);
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
    if (tls_maker_import(&issuer, ca_cert, ca_key, err) != 0)
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
