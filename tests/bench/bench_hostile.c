/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_parts.h"

#include "mtlsd/tls/tls_judge.h"

#include <stdio.h>
#include <stdlib.h>

/* Peers that choose their certificates for the work they make. None is let in; what counts is the worst judgement, also after many, when the memory of
 * genuine signatures has learnt what such a peer signed for itself. */
enum { MANY = 4000, WEB = 63, TRUSTED = 64, SENT = 1000 /* as many as GnuTLS sends */ };

static void judge_often(const char *what, struct tls_trust *trust, const struct span *chain, size_t n, size_t times)
{
    struct tls_question q = {.trust = trust, .purpose = TLS_PURPOSE_CLIENT, .names = NULL, .n_names = 0, .now = CERTS_NOW};
    struct bench_series s;
    printf("hostile what=%s certificates=%zu judgements=%zu", what, n, times);
    bench_series_init(&s, times);
    for (size_t i = 0; i < times; i++) {
        struct tls_verdict v;
        double before = bench_cpu_us();
        tls_judge(&q, chain, n, &v);
        bench_series_add(&s, bench_cpu_us() - before);
        if (v.status == REASON_VALID)
            bench_fail("a hostile chain was let in");
    }
    bench_series_end(&s);
}

/* CAs of one name, each signed by each as far as name and key tell, with a leaf below. */
struct web_order {
    const char *what;
    size_t n;
    bool one_key;        /* so that all signatures are genuine */
    enum certs_key key;
    size_t padding;      /* bytes that make each certificate longer */
    bool trust_them;     /* others of that name are in the trust */
    size_t rsa_bytes, exponent_bytes;
};

static void judge_web(const struct web_order *o, const struct certs *root, size_t times)
{
    struct certs *cas = calloc(o->n + TRUSTED, sizeof(*cas)), end;
    const struct certs **trusted = calloc(TRUSTED + 1, sizeof(*trusted));
    struct span *chain = calloc(o->n + 1, sizeof(*chain)), padding = {calloc(1, o->padding + 1), o->padding};
    if (cas == NULL || trusted == NULL || chain == NULL || padding.ptr == NULL)
        bench_fail("out of memory");
    size_t n_trusted = 0, n = o->n + (o->trust_them ? TRUSTED : 0);
    trusted[n_trusted++] = root;
    for (size_t i = 0; i < n; i++) {
        bool own = i < o->n;
        struct certs_order order = {.cn = "Web", .ca = true, .no_key_ids = true, .key = o->key, .rsa_bytes = own ? o->rsa_bytes : 0,
                                    .exponent_bytes = own ? o->exponent_bytes : 0, .same_key_as = own && o->one_key && i > 0 ? &cas[0] : NULL};
        if (o->padding > 0) {
            order.extension = "1.2.3.4";
            order.extension_value = padding;
        }
        certs_make(&order, &cas[i]);
        if (own)
            chain[i + 1] = cas[i].der;
        else
            trusted[n_trusted++] = &cas[i];
    }
    certs_make(&(struct certs_order){.cn = "end", .issuer = &cas[0], .no_key_ids = true, .signature_bytes = o->rsa_bytes}, &end);
    chain[0] = end.der;
    struct tls_trust *trust = bench_trust(trusted, n_trusted, NULL, 0);
    judge_often(o->what, trust, chain, o->n + 1, times);
    tls_trust_unref(trust);
    certs_clear(&end);
    for (size_t i = 0; i < n; i++)
        certs_clear(&cas[i]);
    free((void *)(uintptr_t)padding.ptr);
    free(chain);
    free(trusted);
    free(cas);
}

static void judge_many(const struct certs *root, size_t times)
{
    struct certs leaf, middle;
    static struct span chain[MANY];
    certs_make(&(struct certs_order){.cn = "Middle", .ca = true}, &middle);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &middle}, &leaf);
    chain[0] = leaf.der;
    for (size_t i = 1; i < MANY; i++)
        chain[i] = middle.der;
    struct tls_trust *trust = bench_trust(&root, 1, NULL, 0);
    judge_often("many", trust, chain, MANY, times);
    tls_trust_unref(trust);
    certs_clear(&leaf);
    certs_clear(&middle);
}

void bench_hostile(const struct bench_plan *plan)
{
    static const struct web_order webs[] = {
        {.what = "p521_look_alikes", .n = WEB, .key = CERTS_P521, .trust_them = true},
        {.what = "rsa8192_slow_keys", .n = WEB, .key = CERTS_RSA_1024, .rsa_bytes = 1024, .exponent_bytes = 8},
        {.what = "cross_signed_8", .n = 7, .one_key = true, .key = CERTS_P256},
        {.what = "cross_signed_8_of_7_kib", .n = 7, .one_key = true, .key = CERTS_P256, .padding = 7168},
        {.what = "cross_signed_64", .n = WEB, .one_key = true, .key = CERTS_P256},
        {.what = "cross_signed_16_of_4_kib", .n = 15, .one_key = true, .key = CERTS_P256, .padding = 3700},
    };
    size_t times = plan->judgements < 200 ? plan->judgements : 200;
    struct certs root;
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &root);
    bench_long_chain(&root, SENT, times < 20 ? times : 20);
    judge_many(&root, times);
    for (size_t i = 0; i < sizeof(webs) / sizeof(webs[0]); i++)
        judge_web(&webs[i], &root, times);
    certs_clear(&root);
}
