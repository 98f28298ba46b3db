/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_parts.h"

#include "mtlsd/tls/tls_engine.h"

#include <stdio.h>
#include <string.h>

/* Two engines joined in memory. What is counted is the accepting one's time, which judges the client. */

struct tls_context *bench_context(const struct certs *own, struct tls_trust *trust, bool accepting)
{
    struct findings notes;
    struct err err = {0};
    findings_init(&notes);
    struct tls_identity_spec spec = {.name = "bench", .certificate = own->pem, .certificate_file = "pem", .key = own->key_pem, .key_file = "pem"};
    struct tls_identity *identity = tls_identity_new(&spec, CERTS_NOW, &notes, &err);
    if (identity == NULL)
        bench_fail(err.text);
    struct tls_context_spec order = {.accepting = accepting, .identity = identity, .trust = trust, .ask = TLS_ASK_REQUIRED,
                                     .server_name = "server.bench", .require_client_auth = true};
    struct tls_context *ctx = tls_context_new(&order, &err);
    if (ctx == NULL)
        bench_fail(err.text);
    tls_identity_unref(identity);
    findings_clear(&notes);
    return ctx;
}

static bool deliver(struct tls_engine *from, struct tls_engine *to)
{
    struct span out = tls_engine_wire_out(from);
    size_t n = out.len;
    if (n == 0)
        return false;
    tls_engine_wire_in(to, out, CERTS_NOW);
    tls_engine_wire_keep(to);
    tls_engine_wire_sent(from, n);
    return true;
}

/* CPU time of the server's half. */
static double shake_hands(struct tls_context *connecting, struct tls_context *accepting)
{
    struct err err = {0};
    double us = 0, before = bench_cpu_us();
    struct tls_engine *server = tls_engine_new(accepting, NULL, NULL, NULL, &err);
    us += bench_cpu_us() - before;
    struct tls_engine *client = tls_engine_new(connecting, NULL, NULL, NULL, &err);
    if (server == NULL || client == NULL)
        bench_fail(err.text);
    tls_engine_start(client, CERTS_NOW);
    for (bool moved = true; moved;) {
        before = bench_cpu_us();
        moved = deliver(client, server);
        us += bench_cpu_us() - before;
        moved = deliver(server, client) || moved;
    }
    if ((tls_engine_flags(server) & (TLS_TAKES_APP | TLS_FAILED)) != TLS_TAKES_APP)
        bench_fail("a handshake failed");
    before = bench_cpu_us();
    tls_engine_free(server);
    us += bench_cpu_us() - before;
    tls_engine_free(client);
    return us;
}

static void measure(const struct certs *ca, const struct certs *server, const struct certs *client, size_t entries, size_t n)
{
    struct span list = big_crl_make(&(struct big_crl_order){.issuer = ca, .n = entries});
    struct tls_trust *trust = bench_trust(&ca, 1, &list, 1);
    struct tls_context *accepting = bench_context(server, trust, true), *connecting = bench_context(client, trust, false);
    struct bench_series s;
    double sum = 0;
    bench_series_init(&s, n);
    (void)shake_hands(connecting, accepting);
    for (size_t i = 0; i < n; i++) {
        double us = shake_hands(connecting, accepting);
        bench_series_add(&s, us);
        sum += us;
    }
    printf("handshake entries=%zu per_second=%.0f", entries, 1e6 * (double)n / sum);
    bench_series_end(&s);
    tls_context_unref(connecting);
    tls_context_unref(accepting);
    tls_trust_unref(trust);
    certs_free(list);
}

void bench_handshakes(const struct bench_plan *plan)
{
    struct certs ca, server, client;
    certs_make(&(struct certs_order){.cn = "Bench CA", .ca = true}, &ca);
    certs_make(&(struct certs_order){.cn = "server", .issuer = &ca, .sans = {"dns:server.bench"}}, &server);
    certs_make(&(struct certs_order){.cn = "client", .issuer = &ca}, &client);
    for (size_t i = 0; i < plan->n_sizes; i++)
        measure(&ca, &server, &client, plan->sizes[i], plan->handshakes);
    certs_clear(&client);
    certs_clear(&server);
    certs_clear(&ca);
}
