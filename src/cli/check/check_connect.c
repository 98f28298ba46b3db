/* SPDX-License-Identifier: Apache-2.0 */
#include "check_connect.h"
#include "mtlsd/io/probe.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/proxy/proxy_connect.h"
#include "mtlsd/proxy/proxy_protocol.h"
#include "mtlsd/proxy/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEP_MAX_MS = 10000, /* a person waits */
    ANSWER_MS = 3000,    /* http: for the answer */
    SILENCE_MS = 1500,   /* tcp: as long without an alert is a yes */
};

static unsigned at_most(uint64_t ms)
{
    return ms < STEP_MAX_MS ? (unsigned)ms : STEP_MAX_MS;
}

static bool speaks_http(const struct snapshot *snapshot, const struct plan_upstream *upstream)
{
    for (size_t i = 0; i < snapshot->config->n_listeners; i++) {
        const struct plan_listener *l = &snapshot->listeners[i];
        for (size_t k = 0; l->conf->protocol == CONFIG_PROTOCOL_HTTP && k < l->n_routes; k++)
            if (l->routes[k].upstream == upstream)
                return true;
    }
    return false;
}

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from != NULL ? from : "");
}

/* What the engine knows now: some of it is gone once a read failed. */
static void note_session(struct check_target *t, const struct probe *p)
{
    struct tls_facts f;
    if (probe_engine(p) == NULL)
        return;
    tls_engine_facts(probe_engine(p), &f);
    t->alert_received = f.alert_received;
    t->alert_sent = f.alert_sent;
    if (f.version != NULL)
        copy(t->version, sizeof(t->version), f.version);
    if (f.cipher != NULL)
        copy(t->cipher, sizeof(t->cipher), f.cipher);
    t->asked = t->asked || f.asked_for_ours;
    t->sent = t->sent || f.ours_sent;
    if (f.peer != NULL) {
        t->has_peer = true;
        t->hint = f.reason == REASON_NAME_MISMATCH ? reason_hint(f.reason, f.peer) : NULL;
        copy(t->subject, sizeof(t->subject), f.peer->subject);
        copy(t->issuer, sizeof(t->issuer), f.peer->issuer);
        t->not_after = f.peer->not_after;
    }
}

static void refuse(struct check_target *t, enum reason reason, const char *text)
{
    t->reason = reason;
    t->refused_by = report_blame_word(report_blame(reason));
    copy(t->text, sizeof(t->text), text);
}

/* nginx takes any certificate in the handshake and says no in HTTP. */
static bool is_http_refusal(unsigned status)
{
    return status == 400 || status == 495 || status == 496;
}

static void judge_answer(struct check_target *t, const char *start)
{
    if (strncmp(start, "HTTP/1.", 7) != 0 || strlen(start) < 12) {
        refuse(t, REASON_UPSTREAM_PROTOCOL, "the server answered a HEAD request with something that is not HTTP/1.1");
        return;
    }
    t->http_status = (unsigned)strtoul(start + 9, NULL, 10);
    if (!is_http_refusal(t->http_status) || !t->asked)
        return;
    char text[200];
    snprintf(text, sizeof(text), "the handshake was accepted, then a plain HEAD request got HTTP %u: nginx says so when it refuses a certificate",
             t->http_status);
    refuse(t, REASON_OUR_CERTIFICATE_REFUSED, text);
}

/* Sends HEAD, reads until the status line is there. */
static void ask_http(struct check_target *t, struct probe *p)
{
    char host[300], request[600], start[32] = "";
    size_t have = 0, got = 1;
    struct span value = plan_host_field(t->target, host, sizeof(host));
    if (value.len == 0 || value.len >= sizeof(host)) {
        refuse(t, REASON_INTERNAL, "the Host field would be too long");
        return;
    }
    int n = snprintf(request, sizeof(request), "HEAD / HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: mtlsd-check\r\nConnection: close\r\n\r\n",
                     (int)value.len, (const char *)value.ptr);
    probe_limit(p, ANSWER_MS);
    if (!probe_send(p, span_of(request, (size_t)n)))
        return;
    while (have < sizeof(start) - 1 && got > 0) {
        got = probe_read(p, start + have, sizeof(start) - 1 - have);
        have += got;
    }
    if (have > 0)
        judge_answer(t, start);
    else if (!probe_failed(p))
        refuse(t, REASON_UPSTREAM_CLOSED, "the server closed the connection without an answer and without a reason");
}

/* Says nothing and listens: with TLS 1.2 the handshake was the answer already. */
static void wait_for_alert(struct probe *p, const struct check_target *t)
{
    uint8_t byte;
    if (strcmp(t->version, "TLS1.2") == 0)
        return;
    probe_limit(p, SILENCE_MS);
    size_t got = probe_read(p, &byte, sizeof(byte));
    (void)got; /* what it said is the app's; that it was no alert is all we wanted */
}

static void after_handshake(struct check_target *t, struct probe *p, bool http)
{
    t->reason = REASON_VALID;
    if (http)
        ask_http(t, p);
    else
        wait_for_alert(p, t);
    note_session(t, p);
    if (t->reason != REASON_VALID || t->http_status != 0)
        return;
    if (probe_reason(p) == REASON_RESPONSE_TIMEOUT)
        copy(t->text, sizeof(t->text), http ? "it refused nothing, but did not answer a HEAD request in time" : "");
    else if (probe_failed(p))
        refuse(t, probe_reason(p), probe_text(p));
}

/* Byte by byte, so that nothing of what comes through the tunnel is taken with the proxy's answer. */
static enum reason read_tunnel_answer(struct probe *p, struct http1 *reader, struct err *err)
{
    enum reason reason = REASON_UNDECIDED;
    while (reason == REASON_UNDECIDED) {
        uint8_t byte;
        struct span in = span_of(&byte, probe_read(p, &byte, 1));
        if (probe_failed(p))
            return probe_reason(p);
        reason = in.len > 0 ? proxy_connect_read(reader, &in, err) : proxy_connect_eof(err);
    }
    return reason;
}

static bool send_all(struct probe *p, const struct bytes *out)
{
    return probe_send(p, bytes_span(out));
}

static bool open_tunnel(struct check_target *t, struct probe *p)
{
    struct err err = {0};
    struct bytes ask;
    bytes_init(&ask, 4096);
    struct http1 *reader = proxy_connect_reader();
    enum reason reason = REASON_INTERNAL;
    if (reader != NULL && proxy_connect_ask(&ask, &t->target->conf->address) == 0)
        reason = send_all(p, &ask) ? read_tunnel_answer(p, reader, &err) : probe_reason(p);
    if (reader != NULL)
        http1_free(reader);
    bytes_clear(&ask);
    if (reason != REASON_VALID)
        refuse(t, reason, probe_failed(p) ? probe_text(p) : err.text);
    return reason == REASON_VALID;
}

/* Nobody calls through us here, and the header says so. */
static bool send_proxy_header(struct check_target *t, struct probe *p)
{
    struct bytes out;
    bytes_init(&out, 4096);
    bool written = proxy_protocol_write(&out, t->target->upstream->conf->send_proxy_protocol, NULL, NULL) == 0;
    bool sent = written && send_all(p, &out);
    bytes_clear(&out);
    if (!sent)
        refuse(t, written ? probe_reason(p) : REASON_INTERNAL, written ? probe_text(p) : "out of memory");
    return sent;
}

/* What stands between a connection and its first byte of TLS. */
static bool prepare(struct check_target *t, struct probe *p)
{
    const struct config_upstream *conf = t->target->upstream->conf;
    if (probe_failed(p)) {
        refuse(t, probe_reason(p), probe_text(p));
        return false;
    }
    if (conf->proxy_text != NULL && !open_tunnel(t, p))
        return false;
    return conf->send_proxy_protocol == CONFIG_PROXY_PROTOCOL_NONE || send_proxy_header(t, p);
}

static void shake_hands(struct check_target *t, struct probe *p, bool http)
{
    double began = probe_seconds();
    probe_limit(p, at_most(t->target->upstream->conf->handshake_ms));
    bool ok = probe_start_tls(p, t->target->tls);
    t->handshake_ms = (probe_seconds() - began) * 1000;
    note_session(t, p);
    if (ok)
        after_handshake(t, p, http);
    else
        refuse(t, probe_reason(p), probe_text(p));
}

static void try_target(struct check_target *t, const struct plan_target *target, bool http)
{
    const struct config_upstream *conf = target->upstream->conf;
    *t = (struct check_target){.target = target, .reason = REASON_UNDECIDED, .alert_received = -1, .alert_sent = -1};
    double began = probe_seconds();
    struct probe *p = probe_connect(conf->proxy_text != NULL ? &conf->proxy : &target->conf->address, at_most(conf->connect_ms));
    if (p == NULL) {
        refuse(t, REASON_INTERNAL, "out of memory");
        return;
    }
    t->connect_ms = (probe_seconds() - began) * 1000;
    bool ready = prepare(t, p);
    if (ready && target->tls != NULL)
        shake_hands(t, p, http);
    else if (ready)
        t->reason = REASON_VALID;
    probe_free(p);
}

int check_connect_run(struct check_connect *c, const struct snapshot *snapshot, struct err *err)
{
    *c = (struct check_connect){.n = snapshot->n_targets};
    c->targets = calloc(c->n + 1, sizeof(*c->targets));
    if (c->targets == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < c->n; i++) {
        try_target(&c->targets[i], &snapshot->targets[i], speaks_http(snapshot, snapshot->targets[i].upstream));
        c->n_refused += c->targets[i].reason != REASON_VALID;
    }
    return 0;
}

void check_connect_clear(struct check_connect *c)
{
    free(c->targets);
    *c = (struct check_connect){0};
}
