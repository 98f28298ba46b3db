/* SPDX-License-Identifier: Apache-2.0 */
#include "ocsp_world.h"

#include "tls/tls_ocsp_order.h"

#include <check.h>

enum { HOUR = 3600 };

static void on_ask(void *ctx)
{
    (void)ctx;
}

struct tls_trust *ocsp_world_trust(const struct tls_pki_pair *ca, enum tls_ocsp_mode mode, struct tls_ocsp_store **store)
{
    struct findings notes;
    struct err err = {0};
    const struct tls_file file = {"ca.pem", bytes_span(&ca->certificate)};
    findings_init(&notes);
    *store = tls_ocsp_store_new();
    ck_assert_ptr_nonnull(*store);
    tls_ocsp_store_listen(*store, on_ask, NULL);
    const struct tls_trust_spec spec = {.name = "test", .ca = &file, .n_ca = 1, .ocsp = {.mode = mode, .store = *store, .responder = "http://r.test/", .timeout_ms = 3000}};
    struct tls_trust *trust = tls_trust_new(&spec, WIRE_NOW, &notes, &err);
    ck_assert_msg(trust != NULL, "%s", err.text);
    findings_clear(&notes);
    return trust;
}

static struct tls_ocsp_order *take(struct tls_ocsp_store *store)
{
    unsigned within_ms;
    struct tls_ocsp_order *o = tls_ocsp_store_take(store, 1, &within_ms);
    ck_assert_ptr_nonnull(o);
    return o;
}

enum tls_ocsp_news ocsp_world_answer(struct tls_ocsp_store *store, const struct tls_pki_pair *ca, enum ocsp_status status, int64_t now)
{
    char fault[TLS_OCSP_FAULT_SIZE] = "";
    struct tls_ocsp_order *o = take(store);
    struct certs leaf = {.der = o->leaf}, issuer = {.der = o->issuer};
    const gnutls_datum_t key = tls_cert_datum(bytes_span(&ca->key));
    ck_assert(tls_cert_import(o->leaf, &leaf.crt) == 0 && tls_cert_import(o->issuer, &issuer.crt) == 0);
    ck_assert(gnutls_x509_privkey_init(&issuer.key) == 0 && gnutls_x509_privkey_import(issuer.key, &key, GNUTLS_X509_FMT_PEM) == 0);
    const struct ocsp_order order = {.cert = &leaf, .issuer = &issuer, .status = status, .this_update = now, .next_update = now + HOUR};
    struct span answer = ocsp_make(&order);
    enum tls_ocsp_news news = tls_ocsp_store_answered(store, o, &(struct tls_ocsp_result){.body = answer}, now, 0, fault);
    ck_assert_msg(news != TLS_OCSP_FAILED || status == OCSP_UNKNOWN, "%s", fault);
    certs_free(answer);
    gnutls_x509_privkey_deinit(issuer.key);
    gnutls_x509_crt_deinit(issuer.crt);
    gnutls_x509_crt_deinit(leaf.crt);
    tls_ocsp_order_unref(o);
    return news;
}

enum tls_ocsp_news ocsp_world_fail(struct tls_ocsp_store *store, int64_t now)
{
    char fault[TLS_OCSP_FAULT_SIZE];
    struct tls_ocsp_order *o = take(store);
    enum tls_ocsp_news news = tls_ocsp_store_answered(store, o, &(struct tls_ocsp_result){.fault = "it fell silent"}, now, 0, fault);
    tls_ocsp_order_unref(o);
    return news;
}
