/* SPDX-License-Identifier: Apache-2.0 */
#include "demo.h"
#include "page.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/proxy/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_MS = 5000 };

enum asking { ASKS, ASKS_FOR_ANOTHER_CA, NEVER_ASKS };

struct kind {
    const char *name;
    enum demo_peer_kind peer;
    enum tls_pki_bad bad;
    enum asking asking;
    bool other_name;
    enum reason expected;
};

static const struct kind kinds[] = {
    {"expired", DEMO_PEER_TLS, TLS_PKI_EXPIRED, ASKS, false, REASON_EXPIRED},
    {"not yet valid", DEMO_PEER_TLS, TLS_PKI_NOT_YET_VALID, ASKS, false, REASON_NOT_YET_VALID},
    {"for another name", DEMO_PEER_TLS, TLS_PKI_GOOD, ASKS, true, REASON_NAME_MISMATCH},
    {"a common name only", DEMO_PEER_TLS, TLS_PKI_NO_SAN, ASKS, false, REASON_NAME_MISMATCH},
    {"for clients only", DEMO_PEER_TLS, TLS_PKI_WRONG_PURPOSE, ASKS, false, REASON_WRONG_PURPOSE},
    {"self-signed", DEMO_PEER_TLS, TLS_PKI_SELF_SIGNED, ASKS, false, REASON_UNKNOWN_CA},
    {"false CA, same name", DEMO_PEER_TLS, TLS_PKI_UNKNOWN_CA, ASKS, false, REASON_UNKNOWN_CA},
    {"RSA with 1024 bits", DEMO_PEER_TLS, TLS_PKI_WEAK, ASKS, false, REASON_WEAK},
    {"refuses ours", DEMO_PEER_TLS, TLS_PKI_GOOD, ASKS_FOR_ANOTHER_CA, false, REASON_OUR_CERTIFICATE_REFUSED},
    {"never asks for ours", DEMO_PEER_TLS, TLS_PKI_GOOD, NEVER_ASKS, false, REASON_OUR_CERTIFICATE_NOT_REQUESTED},
    {"speaks plaintext", DEMO_PEER_PLAIN, TLS_PKI_GOOD, ASKS, false, REASON_TLS_FAILED},
    {"says nothing", DEMO_PEER_SILENT, TLS_PKI_GOOD, ASKS, false, REASON_HANDSHAKE_TIMEOUT},
};

/* ---- making them ---- */

static struct tls_context *make_context(struct demo *d, const struct kind *k, size_t index, struct err *err)
{
    const char *const right[] = {"dns:" DEMO_SERVER_NAME}, *const wrong[] = {"dns:other.demo.example"};
    char file[32];
    snprintf(file, sizeof(file), "server-%zu", index + 1);
    struct tls_pki_order order = {
        .cn = DEMO_SERVER_NAME, .sans = k->other_name ? wrong : right, .n_sans = 1, .purpose = TLS_PURPOSE_SERVER, .bad = k->bad};
    struct tls_identity *identity = demo_pki_issue(&d->pki, &order, file, err);
    if (identity == NULL)
        return NULL;
    struct tls_context_spec spec = {
        .accepting = true,
        .identity = identity,
        .trust = k->asking == ASKS_FOR_ANOTHER_CA ? d->pki.other_trust : d->pki.trust,
        .ask = k->asking == NEVER_ASKS ? TLS_ASK_NONE : TLS_ASK_REQUIRED,
    };
    struct tls_context *ctx = tls_context_new(&spec, err);
    tls_identity_unref(identity);
    return ctx;
}

static int add_server(struct demo *d, const char *name, enum reason expected, uint16_t target, struct err *err)
{
    struct demo_server *s = &d->servers[d->n_servers++];
    *s = (struct demo_server){.name = name, .target = target, .expected = expected};
    s->listener = demo_take_port(d, err);
    return target != 0 && s->listener != 0 ? 0 : -1;
}

static int add_kind(struct demo *d, size_t index, struct err *err)
{
    const struct kind *k = &kinds[index];
    struct tls_context *tls = k->peer == DEMO_PEER_TLS ? make_context(d, k, index, err) : NULL;
    if (k->peer == DEMO_PEER_TLS && tls == NULL)
        return -1;
    const struct demo_peer *peer = demo_add_peer(d, k->peer, tls, err);
    if (peer != NULL)
        return add_server(d, k->name, k->expected, peer->port, err);
    tls_context_unref(tls);
    return -1;
}

int demo_servers_prepare(struct demo *d, struct err *err)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (add_kind(d, i, err) != 0)
            return -1;
    return add_server(d, "is not there", REASON_CONNECT_REFUSED, demo_take_port(d, err), err);
}

void demo_servers_write_upstreams(const struct demo *d, struct bytes *out)
{
    for (size_t i = 0; i < d->n_servers; i++) {
        const struct demo_server *s = &d->servers[i];
        bytes_printf(out,
                     "  bad%zu = { targets = [ \"127.0.0.1:%u\" ];%s\n"
                     "    tls = { identity = \"app\"; trust = \"servers\"; server_name = \"" DEMO_SERVER_NAME "\"; }; }; # %s\n",
                     i + 1, s->target, s->expected == REASON_HANDSHAKE_TIMEOUT ? " timeouts = { handshake = \"300ms\"; };" : "", s->name);
    }
}

void demo_servers_write_listeners(const struct demo *d, struct bytes *out)
{
    for (size_t i = 0; i < d->n_servers; i++)
        bytes_printf(out, "  bad%zu = { bind = \"127.0.0.1:%u\"; upstream = \"bad%zu\"; };\n", i + 1, d->servers[i].listener, i + 1);
}

/* ---- trying them ---- */

static void show_answer(struct demo *d, const struct demo_server *s, const struct demo_http *h)
{
    json_t *problem = json_loads(demo_http_text(h), 0, NULL);
    const char *reason = document_string(problem, "reason", ""), *by = document_string(problem, "refused_by", "");
    const char *expected_by = report_blame_word(report_blame(s->expected));
    bool ok = h->reply.status == reason_row(s->expected)->http_status && strcmp(reason, reason_word(s->expected)) == 0 && strcmp(by, expected_by) == 0;
    demo_show_row(&d->show, ok, "%-20s %u %-29s %-7s %s", s->name, h->reply.status, reason, by, document_string(problem, "alert", ""));
    if (!ok)
        demo_show_note(&d->show, "expected %u %s, refused by %s", reason_row(s->expected)->http_status, reason_word(s->expected), expected_by);
    json_decref(problem);
}

static void show_server(struct demo *d, const struct demo_server *s)
{
    const struct http_call get = {.port = s->listener, .method = "GET", .path = "/", .within_ms = LIMIT_MS};
    struct demo_http h;
    demo_http_begin(&h, &d->body);
    if (demo_http_ask(&h, &get, false))
        show_answer(d, s, &h);
    else
        demo_show_row(&d->show, false, "%-20s no answer: %s", s->name, h.err.text);
    demo_http_end(&h);
}

void demo_servers_show(struct demo *d)
{
    char columns[160];
    snprintf(columns, sizeof(columns), "%-20s %-33s %-7s %s", "what is wrong", "answer to the app", "said by", "TLS alert");
    demo_show_section(&d->show, "3. Bad servers: the injector sends them no request, and the app gets the reason", columns);
    for (size_t i = 0; i < d->n_servers && !demo_interrupted(d); i++)
        show_server(d, &d->servers[i]);
    struct demo_count count;
    if (!demo_ask_tally(d, &count))
        demo_show_row(&d->show, false, "the servers do not report their requests");
    else
        demo_show_row(&d->show, count.leaks == 0, "requests that reached them: %lu", count.leaks);
}
