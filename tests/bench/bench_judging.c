/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_parts.h"

#include "mtlsd/tls/tls_judge.h"
#include "tls_internal.h"
#include "tls_signature_cache.h"

#include <malloc.h>
#include <stdio.h>

/* Root, an intermediate that is sent by the peer and not trusted, and leaves; a list of both CAs. */
enum { N_LEAVES = 64, REVOKED_SERIAL = 0x7001 };

struct cast {
    struct certs root, middle, leaves[N_LEAVES], revoked;
};

static void make_cast(struct cast *c)
{
    certs_make(&(struct certs_order){.cn = "Bench Root", .ca = true}, &c->root);
    certs_make(&(struct certs_order){.cn = "Bench Issuing", .ca = true, .issuer = &c->root}, &c->middle);
    for (size_t i = 0; i < N_LEAVES; i++)
        certs_make(&(struct certs_order){.cn = "caller", .issuer = &c->middle, .sans = {"uri:spiffe://bench/caller"}}, &c->leaves[i]);
    certs_make(&(struct certs_order){.cn = "revoked", .issuer = &c->middle, .serial = REVOKED_SERIAL}, &c->revoked);
}

static void clear_cast(struct cast *c)
{
    for (size_t i = 0; i < N_LEAVES; i++)
        certs_clear(&c->leaves[i]);
    certs_clear(&c->revoked);
    certs_clear(&c->middle);
    certs_clear(&c->root);
}

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static double judge(struct tls_trust *trust, const struct cast *c, const struct certs *leaf, enum reason expected)
{
    const struct span chain[] = {leaf->der, c->middle.der, c->root.der};
    struct tls_question q = {.trust = trust, .purpose = TLS_PURPOSE_CLIENT, .names = NULL, .n_names = 0, .now = CERTS_NOW};
    struct tls_verdict v;
    double before = bench_cpu_us();
    tls_judge(&q, chain, 3, &v);
    double us = bench_cpu_us() - before;
    if (v.status != expected)
        bench_fail(v.text);
    return us;
}

static void series(struct tls_trust *trust, const struct cast *c, const struct bench_plan *plan, bool warm, bool good)
{
    struct bench_series s;
    bench_series_init(&s, plan->judgements);
    for (size_t i = 0; i < plan->judgements + N_LEAVES; i++) {
        if (!warm)
            tls_signature_cache_clear(tls_trust_signature_cache(trust));
        double us = judge(trust, c, good ? &c->leaves[i % N_LEAVES] : &c->revoked, good ? REASON_VALID : REASON_REVOKED);
        if (i >= N_LEAVES)
            bench_series_add(&s, us);
    }
    bench_series_end(&s);
}

static void measure_load(const struct cast *c, const struct span *list, size_t n)
{
    const struct certs *cas[] = {&c->root};
    size_t before = heap_bytes();
    double began = bench_wall_us();
    struct tls_trust *trust = bench_trust(cas, 1, list, 1);
    double took = bench_wall_us() - began;
    size_t grown = heap_bytes() - before;
    printf("load entries=%zu file_kib=%zu ms=%.1f heap_kib=%zu", n, list->len / 1024, took / 1e3, grown / 1024);
    printf(n > 0 ? " bytes_per_entry=%.1f\n" : "\n", (double)grown / (double)(n > 0 ? n : 1));
    tls_trust_unref(trust);
}

static void measure(const struct cast *c, const struct bench_plan *plan, size_t n)
{
    static const uint8_t serial[] = {REVOKED_SERIAL >> 8, REVOKED_SERIAL & 0xff};
    const struct certs *cas[] = {&c->root};
    struct span lists[2] = {
        big_crl_make(&(struct big_crl_order){.issuer = &c->root, .n = n}),
        big_crl_make(&(struct big_crl_order){.issuer = &c->middle, .n = n, .also = span_of(serial, sizeof(serial))}),
    };
    measure_load(c, lists, n);
    struct tls_trust *trust = bench_trust(cas, 1, lists, 2);
    printf("first entries=%zu us=%.1f\n", n, judge(trust, c, &c->leaves[0], REASON_VALID));
    for (int kind = 0; kind < 4; kind++) {
        bool warm = kind % 2 == 0, good = kind < 2;
        printf("judge entries=%zu signatures=%s serial=%s", n, warm ? "remembered" : "checked", good ? "good" : "revoked");
        series(trust, c, plan, warm, good);
    }
    tls_trust_unref(trust);
    certs_free(lists[1]);
    certs_free(lists[0]);
}

void bench_judging(const struct bench_plan *plan)
{
    static struct cast c;
    make_cast(&c);
    for (size_t i = 0; i < plan->n_sizes; i++)
        measure(&c, plan, plan->sizes[i]);
    clear_cast(&c);
}
