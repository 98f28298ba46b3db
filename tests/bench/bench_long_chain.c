/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_parts.h"

#include "mtlsd/base/bytes.h"
#include "mtlsd/tls/tls_engine.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The client is GnuTLS itself: an identity of ours never holds that many certificates. */
enum { WIRE_MAX = 64 << 20, STEP = 16384 };

static struct { /* what every client presents */
    gnutls_pcert_st *certs;
    size_t n;
    gnutls_privkey_t key;
} shown;

struct peer {
    gnutls_session_t session;
    struct bytes in, out;
};

static ssize_t pull(gnutls_transport_ptr_t ptr, void *buf, size_t size)
{
    struct peer *p = ptr;
    size_t n = p->in.len < size ? p->in.len : size;
    if (n == 0) {
        gnutls_transport_set_errno(p->session, EAGAIN);
        return -1;
    }
    memcpy(buf, bytes_span(&p->in).ptr, n);
    bytes_consume(&p->in, n);
    return (ssize_t)n;
}

static ssize_t push(gnutls_transport_ptr_t ptr, const void *data, size_t size)
{
    struct peer *p = ptr;
    if (bytes_append(&p->out, data, size) != 0)
        bench_fail("out of memory");
    return (ssize_t)size;
}

static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
    (void)ms;
    return ((struct peer *)ptr)->in.len > 0;
}

/* Credentials that are filled as usual take no more than a few. */
static int show(gnutls_session_t session, const gnutls_datum_t *cas, int n_cas, const gnutls_pk_algorithm_t *kinds, int n_kinds, gnutls_pcert_st **certs,
                unsigned *n, gnutls_privkey_t *key)
{
    (void)session, (void)cas, (void)n_cas, (void)kinds, (void)n_kinds;
    *certs = shown.certs;
    *n = (unsigned)shown.n;
    *key = shown.key;
    return 0;
}

static void fill(const struct certs *client, const struct certs *middle, size_t n)
{
    shown.certs = calloc(n, sizeof(*shown.certs));
    shown.n = n;
    if (shown.certs == NULL || gnutls_privkey_init(&shown.key) != 0 || gnutls_privkey_import_x509(shown.key, client->key, 0) != 0)
        bench_fail("the client cannot be made");
    for (size_t i = 0; i < n; i++)
        if (gnutls_pcert_import_x509(&shown.certs[i], i == 0 ? client->crt : middle->crt, 0) != 0)
            bench_fail("the client cannot be made");
}

static void empty(void)
{
    for (size_t i = 0; i < shown.n; i++)
        gnutls_pcert_deinit(&shown.certs[i]);
    free(shown.certs);
    gnutls_privkey_deinit(shown.key);
}

static void start(struct peer *p, gnutls_certificate_credentials_t credentials)
{
    bytes_init(&p->in, WIRE_MAX);
    bytes_init(&p->out, WIRE_MAX);
    if (gnutls_init(&p->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_FORCE_CLIENT_CERT) != 0 ||
        gnutls_set_default_priority(p->session) != 0 || gnutls_credentials_set(p->session, GNUTLS_CRD_CERTIFICATE, credentials) != 0)
        bench_fail("the client cannot be made");
    gnutls_transport_set_ptr(p->session, p);
    gnutls_transport_set_pull_function(p->session, pull);
    gnutls_transport_set_pull_timeout_function(p->session, pull_timeout);
    gnutls_transport_set_push_function(p->session, push);
    gnutls_handshake_set_timeout(p->session, GNUTLS_INDEFINITE_TIMEOUT);
    gnutls_handshake_set_max_packet_length(p->session, WIRE_MAX);
}

static void stop(struct peer *p)
{
    gnutls_deinit(p->session);
    bytes_clear(&p->in);
    bytes_clear(&p->out);
}

/* Gives the server's CPU time; *taken is how much it let come. */
static double offer(gnutls_certificate_credentials_t credentials, struct tls_context *accepting, size_t *taken)
{
    struct err err = {0};
    struct peer p;
    struct tls_engine *server = tls_engine_new(accepting, NULL, NULL, NULL, &err);
    double us = 0;
    if (server == NULL)
        bench_fail(err.text);
    start(&p, credentials);
    *taken = 0;
    for (int rc = GNUTLS_E_AGAIN; (tls_engine_flags(server) & TLS_FAILED) == 0;) {
        if (rc != 0 && !gnutls_error_is_fatal(rc))
            rc = gnutls_handshake(p.session);
        struct span out = bytes_span(&p.out), back = tls_engine_wire_out(server);
        size_t n = out.len < STEP ? out.len : STEP, n_back = back.len;
        if (n == 0 && n_back == 0)
            bench_fail("a chain of thousands did not end the handshake");
        if (n_back > 0 && bytes_append_span(&p.in, back) != 0)
            bench_fail("out of memory");
        tls_engine_wire_sent(server, n_back);
        if (n == 0)
            continue;
        double before = bench_cpu_us();
        tls_engine_wire_in(server, span_of(out.ptr, n), CERTS_NOW);
        tls_engine_wire_keep(server);
        us += bench_cpu_us() - before;
        bytes_consume(&p.out, n);
        *taken += n;
    }
    stop(&p);
    tls_engine_free(server);
    return us;
}

void bench_long_chain(const struct certs *root, size_t n, size_t times)
{
    struct certs server, client, middle;
    struct bench_series s;
    gnutls_certificate_credentials_t credentials;
    size_t taken = 0;
    certs_make(&(struct certs_order){.cn = "Middle", .ca = true, .issuer = root}, &middle);
    certs_make(&(struct certs_order){.cn = "server", .issuer = root, .sans = {"dns:server.bench"}}, &server);
    certs_make(&(struct certs_order){.cn = "client", .issuer = &middle}, &client);
    if (gnutls_certificate_allocate_credentials(&credentials) != 0)
        bench_fail("out of memory");
    fill(&client, &middle, n);
    gnutls_certificate_set_retrieve_function2(credentials, show);
    struct tls_trust *trust = bench_trust(&root, 1, NULL, 0);
    struct tls_context *accepting = bench_context(&server, trust, true);
    bench_series_init(&s, times);
    for (size_t i = 0; i < times; i++)
        bench_series_add(&s, offer(credentials, accepting, &taken));
    printf("hostile what=engine certificates=%zu judgements=%zu taken_kib=%zu", n, times, taken / 1024);
    bench_series_end(&s);
    tls_context_unref(accepting);
    tls_trust_unref(trust);
    gnutls_certificate_free_credentials(credentials);
    empty();
    certs_clear(&client);
    certs_clear(&server);
    certs_clear(&middle);
}
