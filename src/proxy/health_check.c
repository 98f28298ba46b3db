/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/health_check.h"

#include "flow.h"
#include "health_expect.h"

#include "mtlsd/http/grpc_health.h"
#include "mtlsd/proxy/pool.h"
#include "mtlsd/proxy/uplink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CALL_MAX = 4096,
    SILENCE_US = 500 * 1000, /* TLS 1.3: how long a server may take to say that it does not like our certificate */
};

/*
 *   OPEN      the connection opens itself
 *   LISTEN    nothing is to be asked: with TLS 1.3 a server refuses our certificate only now
 *   ANSWER    the request is under way, its response is awaited
 *   DONE
 */
enum phase { PHASE_OPEN, PHASE_LISTEN, PHASE_ANSWER, PHASE_DONE };

struct health_check {
    struct uplink_use use; /* first */
    struct flow flow;      /* its request; no link: none was sent */
    const struct plan_target *target; /* borrowed */
    struct health_check_owner owner;
    enum phase phase;
    uint64_t late_us, silent_us;
    struct health_check_result result;
    struct grpc_health call; /* with health.grpc: its answer */
    const char *hint;
    char text[640];
};

static struct health_check *check_of(struct uplink_use *use)
{
    return (struct health_check *)use;
}

static bool asks(const struct config_upstream *conf)
{
    return conf->health_path != NULL || conf->health_grpc != NULL;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- the end ---- */

static void leave(struct health_check *c)
{
    struct uplink *u = c->use.uplink;
    if (u == NULL)
        return;
    flow_leave(&c->flow, false);
    uplink_leave(&c->use);
    pool_retire(u->env->pool, u);
}

static void finish(struct health_check *c, bool good, enum reason reason, const char *text)
{
    if (c->phase == PHASE_DONE)
        return;
    c->phase = PHASE_DONE;
    snprintf(c->text, sizeof(c->text), "%s", text);
    c->result = (struct health_check_result){good, reason, c->text, c->hint};
    leave(c);
    if (c->owner.on_done != NULL)
        c->owner.on_done(c->owner.ctx);
}

static void pass(struct health_check *c)
{
    finish(c, true, REASON_VALID, "");
}

/* ---- the request ---- */

static bool is_path(const char *path)
{
    if (path[0] != '/')
        return false;
    for (; *path != '\0'; path++) {
        if (*path <= ' ' || *path == 0x7f)
            return false;
    }
    return true;
}

/* False: it cannot be sent, and that was the result. */
static bool send_head(struct health_check *c, struct http_outgoing *o, const char *method, const char *target, struct http_field field)
{
    char host[300];
    struct span value = plan_host_field(c->target, host, sizeof(host));
    struct http_field fields[] = {{span_from_str("Host"), value}, {span_from_str("User-Agent"), span_from_str("mtlsd")}, field};
    const struct http_head head = {.request = true, .minor = 1, .method = span_from_str(method), .target = span_from_str(target), .fields = fields, .n_fields = 3};
    o->head = &head;
    o->scheme = span_from_str(c->target->tls != NULL ? "https" : "http");
    c->flow = flow_to(&c->use.uplink->link, NULL);
    if (value.len > 0 && flow_head(&c->flow, o, &c->use) == 0)
        return true;
    finish(c, false, REASON_INTERNAL, value.len > 0 ? "out of memory" : "the Host field would be too long");
    return false;
}

static void ask_path(struct health_check *c)
{
    const char *path = c->target->upstream->conf->health_path;
    struct http_outgoing o = {.framing = HTTP_NO_BODY, .close = true};
    if (is_path(path))
        send_head(c, &o, "GET", path, (struct http_field){span_from_str("Accept"), span_from_str("*/*")});
    else
        finish(c, false, REASON_INTERNAL, "health.path must begin with a slash and hold no spaces");
}

static void send_call(struct health_check *c)
{
    struct http_outgoing o = {.framing = HTTP_CHUNKED, .wants_trailers = true};
    struct bytes message;
    bytes_init(&message, CALL_MAX);
    grpc_health_init(&c->call);
    if (grpc_health_write_request(&message, span_from_str(c->target->upstream->conf->health_grpc)) != 0) {
        finish(c, false, REASON_INTERNAL, "out of memory");
    } else if (send_head(c, &o, "POST", GRPC_HEALTH_PATH, (struct http_field){span_from_str("Content-Type"), span_from_str("application/grpc")})) {
        flow_data_copy(&c->flow, bytes_span(&message));
        flow_end(&c->flow, NULL, NULL);
    }
    bytes_clear(&message);
}

static void ask_grpc(struct health_check *c)
{
    if (c->use.uplink->link.h2 != NULL) {
        send_call(c);
        return;
    }
    c->hint = "let the server offer h2 in the handshake (ALPN), or check it with health.path";
    finish(c, false, REASON_UPSTREAM_PROTOCOL, "gRPC needs HTTP/2, and the target did not choose h2 in the handshake");
}

/* ---- the answer ---- */

static void judge_answer(struct health_check *c, unsigned status)
{
    const struct config_upstream *conf = c->target->upstream->conf;
    const char *expect = conf->health_expect != NULL ? conf->health_expect : "200-399";
    char text[sizeof(c->text)];
    if (status < 200)
        return; /* not the final one */
    if (health_expect_fits(expect, status)) {
        pass(c);
        return;
    }
    snprintf(text, sizeof(text), "GET %s was answered with %u, expected is %s", conf->health_path, status, expect);
    finish(c, false, REASON_UNDECIDED, text);
}

static void judge_call(struct health_check *c)
{
    struct err err = {0};
    if (grpc_health_judge(&c->call, &err) == 0)
        pass(c);
    else
        finish(c, false, REASON_UNDECIDED, err.text);
}

/* ---- what happens to its connection ---- */

static bool calls(const struct health_check *c)
{
    return c->target->upstream->conf->health_grpc != NULL;
}

static void on_open(struct uplink_use *use, struct moment now)
{
    struct health_check *c = check_of(use);
    const struct link *link = &use->uplink->link;
    struct tls_facts facts = {0};
    if (asks(c->target->upstream->conf)) {
        c->phase = PHASE_ANSWER;
        if (calls(c))
            ask_grpc(c);
        else
            ask_path(c);
        return;
    }
    if (link->tls != NULL)
        tls_engine_facts(link->tls, &facts);
    if (facts.version == NULL || strcmp(facts.version, "TLS1.3") != 0) {
        pass(c); /* the handshake was the answer already */
        return;
    }
    c->phase = PHASE_LISTEN;
    c->silent_us = now.us + SILENCE_US;
    if (c->owner.on_deadline_moved != NULL)
        c->owner.on_deadline_moved(c->owner.ctx);
}

static void on_failed(struct uplink_use *use, enum reason reason, const char *text, const char *hint, struct moment now)
{
    (void)now;
    struct health_check *c = check_of(use);
    bool cut = reason == REASON_TRUNCATED; /* nothing was begun that could be incomplete: it just hung up */
    c->hint = hint;
    finish(c, false, cut ? REASON_UPSTREAM_CLOSED : reason, text);
}

static bool takes(const struct uplink_use *use)
{
    (void)use;
    return true;
}

static void on_sent(struct uplink_use *use, size_t n, struct moment now)
{
    (void)use;
    (void)n;
    (void)now;
}

static bool on_bytes(struct uplink_use *use, struct span in, struct moment now)
{
    (void)now;
    struct health_check *c = check_of(use);
    if (c->phase == PHASE_LISTEN && in.len > 0)
        pass(c); /* it speaks first, so it takes us */
    return c->phase == PHASE_ANSWER;
}

static void on_head(struct uplink_use *use, const struct http_head *head, struct moment now)
{
    (void)now;
    struct health_check *c = check_of(use);
    if (!calls(c))
        judge_answer(c, head->status);
    else if (head->status >= 200)
        grpc_health_on_head(&c->call, head);
}

/* For a path's answer, only behind the head of an interim one. */
static void on_data(struct uplink_use *use, struct span data, struct moment now)
{
    (void)now;
    struct health_check *c = check_of(use);
    if (calls(c)) {
        grpc_health_on_data(&c->call, data);
        if (c->call.too_long)
            judge_call(c);
        return;
    }
    finish(c, false, REASON_UPSTREAM_PROTOCOL, "the answer does not begin with a head");
}

static void on_trailers(struct uplink_use *use, const struct http_head *head, struct moment now)
{
    struct health_check *c = check_of(use);
    if (calls(c))
        grpc_health_on_trailers(&c->call, head);
    else
        on_data(use, span_of(NULL, 0), now);
}

static void on_switched(struct uplink_use *use, struct span left, struct moment now)
{
    on_data(use, left, now);
}

static void on_end(struct uplink_use *use, bool reusable, struct moment now)
{
    (void)reusable;
    (void)now;
    struct health_check *c = check_of(use);
    if (c->phase == PHASE_LISTEN)
        pass(c); /* a proper goodbye: it has nothing against us */
    else if (calls(c))
        judge_call(c);
    else if (use->uplink->is.ended)
        finish(c, false, REASON_UPSTREAM_CLOSED, "the connection was closed without an answer");
}

static void on_reset(struct uplink_use *use, uint32_t code, bool unprocessed, struct moment now)
{
    (void)now;
    char text[100];
    snprintf(text, sizeof(text), unprocessed ? "the target takes no new requests (HTTP/2 error code %u)" : "the target reset the request's stream (HTTP/2 error code %u)",
             (unsigned)code);
    finish(check_of(use), false, REASON_UPSTREAM_CLOSED, text);
}

static const struct uplink_events events = {
    .on_open = on_open,
    .on_reset = on_reset,
    .on_failed = on_failed,
    .takes = takes,
    .on_sent = on_sent,
    .on_bytes = on_bytes,
    .on_head = on_head,
    .on_data = on_data,
    .on_trailers = on_trailers,
    .on_end = on_end,
    .on_switched = on_switched,
};

/* ---- life ---- */

struct health_check *health_check_new(struct proxy_env *env, const struct plan_target *target, const struct health_check_owner *owner, struct moment now)
{
    const struct config_upstream *conf = target->upstream->conf;
    struct health_check *c = calloc(1, sizeof(*c));
    struct err err = {0};
    if (c == NULL)
        return NULL;
    const struct dial dial = {.target = target, .address = conf->proxy_text != NULL ? &conf->proxy : &target->conf->address};
    /* no ticket: every look is a whole handshake, and takes none from the traffic */
    struct uplink *u = uplink_new(env, &dial, asks(conf) ? UPLINK_HTTP : UPLINK_RAW, NULL, now, &err);
    if (u == NULL) {
        free(c);
        return NULL;
    }
    c->use.events = &events;
    c->target = target;
    c->owner = *owner;
    c->late_us = now.us + smaller(conf->health_interval_ms, conf->connect_ms + conf->handshake_ms) * 1000;
    uplink_join(u, &c->use);
    return c;
}

void health_check_free(struct health_check *c)
{
    if (c == NULL)
        return;
    leave(c);
    free(c);
}

/* ---- time ---- */

uint64_t health_check_deadline_us(const struct health_check *c)
{
    return c->phase == PHASE_LISTEN ? smaller(c->silent_us, c->late_us) : c->late_us;
}

static void opened_too_late(struct health_check *c)
{
    const struct uplink *u = c->use.uplink;
    char text[640] = "the target did not finish the TLS handshake in time";
    enum reason reason = REASON_HANDSHAKE_TIMEOUT;
    if (u->phase == UPLINK_PROXY) {
        reason = REASON_CONNECT_TIMEOUT;
        snprintf(text, sizeof(text), "the upstream's proxy did not answer in time");
    } else if (u->phase == UPLINK_CONNECTING) {
        reason = REASON_CONNECT_TIMEOUT;
        snprintf(text, sizeof(text), "the target did not accept the connection in time");
        if (u->env->run.describe != NULL)
            reason = u->env->run.describe(u, text, sizeof(text));
    }
    finish(c, false, reason, text);
}

void health_check_on_deadline(struct health_check *c)
{
    switch (c->phase) {
    case PHASE_OPEN:
        opened_too_late(c);
        break;
    case PHASE_LISTEN:
        pass(c);
        break;
    default:
        finish(c, false, REASON_RESPONSE_TIMEOUT, "the target did not answer in time");
        break;
    }
}

bool health_check_is_done(const struct health_check *c, struct health_check_result *result)
{
    *result = c->result;
    return c->phase == PHASE_DONE;
}
