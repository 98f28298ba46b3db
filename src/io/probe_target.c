/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/probe_target.h"
#include "mtlsd/io/probe_ask.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/proxy/proxy_connect.h"
#include "mtlsd/proxy/proxy_protocol.h"
#include "mtlsd/proxy/starttls.h"
#include "mtlsd/proxy/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEP_MAX_MS = 10000, /* a person waits */
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

/* Keeps what the engine knows now: some of it is gone once a read failed. */
static void note_session(struct probe_target *t, const struct probe *p)
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
    if (f.alpn != NULL)
        copy(t->alpn, sizeof(t->alpn), f.alpn);
    t->asked = t->asked || f.asked_for_ours;
    t->sent = t->sent || f.ours_sent;
    t->ours = f.ours;
    t->staple_fault = f.verdict != NULL ? f.verdict->staple_fault : NULL;
    if (f.peer != NULL) {
        t->hint = f.reason == REASON_NAME_MISMATCH ? reason_hint(f.reason, f.peer) : NULL;
        t->peer.present = true;
        t->peer.not_after = f.peer->not_after;
        copy(t->peer.subject, sizeof(t->peer.subject), f.peer->subject);
        copy(t->peer.issuer, sizeof(t->peer.issuer), f.peer->issuer);
    }
}

static void refuse(struct probe_target *t, enum reason reason, const char *text)
{
    t->reason = reason;
    copy(t->text, sizeof(t->text), text);
}

/* In HTTP, as the handshake agreed on. */
static void ask_http(struct probe_target *t, struct probe *p)
{
    const struct probe_answer a = probe_ask(p, t->target);
    t->http_status = a.status;
    t->reason = a.reason;
    copy(t->text, sizeof(t->text), a.text);
    if (!reason_may_be_refusal(a.status) || !t->asked)
        return;
    char text[200];
    snprintf(text, sizeof(text), "the handshake was accepted, then a plain HEAD request got HTTP %u: nginx answers so when it refuses a certificate", a.status);
    refuse(t, REASON_OUR_CERTIFICATE_REFUSED, text);
}

/* Says nothing and listens: with TLS 1.2 the handshake was the answer already. */
static void wait_for_alert(struct probe *p, const struct probe_target *t)
{
    uint8_t byte;
    if (strcmp(t->version, "TLS1.2") == 0)
        return;
    probe_limit(p, SILENCE_MS);
    size_t got = probe_read(p, &byte, sizeof(byte));
    (void)got; /* what it said is the app's; that it was no alert is all we wanted */
}

static void after_handshake(struct probe_target *t, struct probe *p, bool http)
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
        copy(t->text, sizeof(t->text), http ? "it accepted the certificate, but did not answer a HEAD request in time" : "");
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

static bool open_tunnel(struct probe_target *t, struct probe *p)
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

/* The check has no client, and the header says so. */
static bool send_proxy_header(struct probe_target *t, struct probe *p)
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

/* The talk in plaintext until TLS starts. It is read byte by byte, so that nothing of TLS is taken with it. */
static enum reason talk_to(struct probe *p, struct starttls *talk, struct err *err)
{
    enum reason reason = starttls_begin(talk) == 0 ? REASON_UNDECIDED : REASON_INTERNAL;
    while (reason == REASON_UNDECIDED) {
        uint8_t byte;
        if (talk->out.len > 0 && !send_all(p, &talk->out))
            return probe_reason(p);
        bytes_consume(&talk->out, talk->out.len);
        struct span in = span_of(&byte, probe_read(p, &byte, 1));
        if (probe_failed(p))
            return probe_reason(p);
        reason = in.len > 0 ? starttls_in(talk, in, err) : starttls_eof(talk, err);
        if (reason == REASON_UNDECIDED && talk->wants_client)
            reason = starttls_login(talk, NULL, err);
    }
    return reason == REASON_VALID && talk->out.len > 0 && !send_all(p, &talk->out) ? probe_reason(p) : reason;
}

static bool start_tls(struct probe_target *t, struct probe *p)
{
    struct err err = {0};
    struct starttls talk;
    enum config_starttls kind = t->target->upstream->conf->tls.starttls;
    if (kind == CONFIG_STARTTLS_OFF)
        return true;
    starttls_init(&talk, kind, false);
    enum reason reason = talk_to(p, &talk, &err);
    starttls_clear(&talk);
    if (reason != REASON_VALID)
        refuse(t, reason, probe_failed(p) ? probe_text(p) : err.text);
    return reason == REASON_VALID;
}

/* The steps between a connection and its first byte of TLS. */
static bool prepare(struct probe_target *t, struct probe *p)
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

static void shake_hands(struct probe_target *t, struct probe *p, bool http)
{
    double began = probe_seconds();
    probe_limit(p, at_most(t->target->upstream->conf->handshake_ms));
    if (!start_tls(t, p))
        return;
    bool ok = probe_start_tls(p, t->target->tls);
    t->handshake_ms = (probe_seconds() - began) * 1000;
    note_session(t, p);
    if (ok)
        after_handshake(t, p, http);
    else
        refuse(t, probe_reason(p), probe_text(p));
}

static void try_target(struct probe_target *t, bool http)
{
    const struct config_upstream *conf = t->target->upstream->conf;
    double began = probe_seconds();
    struct probe *p = probe_connect(conf->proxy_text != NULL ? &conf->proxy : &t->target->conf->address, at_most(conf->connect_ms));
    if (p == NULL) {
        refuse(t, REASON_INTERNAL, "out of memory");
        return;
    }
    t->connect_ms = (probe_seconds() - began) * 1000;
    bool ready = prepare(t, p);
    if (ready && t->target->tls != NULL)
        shake_hands(t, p, http);
    else if (ready)
        t->reason = REASON_VALID;
    probe_free(p);
}

void probe_target_try(struct probe_target *t, const struct snapshot *snapshot, const struct plan_target *target)
{
    *t = (struct probe_target){.target = target, .reason = REASON_UNDECIDED, .alert_received = -1, .alert_sent = -1};
    try_target(t, speaks_http(snapshot, target->upstream));
}
