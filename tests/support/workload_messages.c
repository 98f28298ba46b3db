/* SPDX-License-Identifier: Apache-2.0 */
#include "workload_messages.h"

#include <stdlib.h>
#include <string.h>

static void put_number(struct bytes *out, size_t n)
{
    for (; n > 0x7f; n >>= 7)
        bytes_append(out, &(uint8_t){(uint8_t)((n & 0x7f) | 0x80)}, 1);
    bytes_append(out, &(uint8_t){(uint8_t)n}, 1);
}

void workload_put(struct bytes *out, unsigned number, struct span body)
{
    put_number(out, number << 3 | 2);
    put_number(out, body.len);
    bytes_append_span(out, body);
}

void workload_put_svid(struct bytes *out, const struct workload_parts *parts)
{
    const struct span fields[] = {parts->id, parts->chain, parts->key, parts->bundle, parts->hint};
    struct bytes one;
    bytes_init(&one, 1 << 24);
    for (unsigned i = 0; i < 5; i++)
        if (fields[i].len > 0)
            workload_put(&one, i + 1, fields[i]);
    workload_put(out, WORKLOAD_SVIDS, bytes_span(&one));
    bytes_clear(&one);
}

void workload_put_bundle(struct bytes *out, unsigned number, const char *domain, struct span ca)
{
    struct bytes one;
    bytes_init(&one, 1 << 24);
    workload_put(&one, 1, span_from_str(domain));
    workload_put(&one, 2, ca);
    workload_put(out, number, bytes_span(&one));
    bytes_clear(&one);
}

struct span workload_key(const struct certs *c)
{
    gnutls_datum_t der = {0};
    if (gnutls_x509_privkey_export2_pkcs8(c->key, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN, &der) != 0)
        abort();
    struct span copy = certs_join(&(struct span){der.data, der.size}, 1);
    gnutls_free(der.data);
    return copy;
}

void workload_world_make(struct workload_world *w)
{
    certs_make(&(struct certs_order){.cn = "a root", .ca = true, .sans = {"uri:spiffe://a.example"}}, &w->root);
    certs_make(&(struct certs_order){.cn = "a middle", .ca = true, .issuer = &w->root}, &w->middle);
    certs_make(&(struct certs_order){.cn = "one", .issuer = &w->middle, .sans = {"uri:spiffe://a.example/one"}}, &w->one);
    certs_make(&(struct certs_order){.cn = "two", .issuer = &w->middle, .sans = {"uri:spiffe://a.example/two", "dns:two.example"}}, &w->two);
    certs_make(&(struct certs_order){.cn = "b root", .ca = true}, &w->other);
    w->one_chain = certs_join((const struct span[]){w->one.der, w->middle.der}, 2);
    w->one_key = workload_key(&w->one);
    w->two_key = workload_key(&w->two);
}

void workload_world_clear(struct workload_world *w)
{
    certs_free(w->one_chain);
    certs_free(w->one_key);
    certs_free(w->two_key);
    certs_clear(&w->root);
    certs_clear(&w->middle);
    certs_clear(&w->one);
    certs_clear(&w->two);
    certs_clear(&w->other);
}

void workload_world_message(const struct workload_world *w, struct bytes *out)
{
    workload_put_svid(out, &(struct workload_parts){span_from_str("spiffe://a.example/one"), w->one_chain, w->one_key, w->root.der, span_from_str("internal")});
    workload_put_bundle(out, WORKLOAD_FEDERATED, "spiffe://b.example", w->other.der);
}
