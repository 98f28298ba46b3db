/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_internal.h"

enum {
    SECOND_US = 1000 * 1000,
    LINGER_US = 2 * SECOND_US,
    GRACE_US = SECOND_US / 5,
    BODY_TRIAL_US = 10 * SECOND_US, /* a body this old has to show its rate */
    SLOWEST_READER = 500,           /* bytes a second: who takes our last words more slowly does not get them all */
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- taking note ---- */

/* One budget for all of it: neither a client that takes a byte now and then nor one that goes on sending has more (security C7). */
void exchange_time_linger(struct exchange *x, struct moment now)
{
    uint64_t write_us = x->listener->conf->write_ms * 1000, pending = link_pending(&x->down);
    uint64_t to_take_us = larger(write_us, pending * SECOND_US / SLOWEST_READER);
    x->until_us = now.us + (pending > 0 ? to_take_us : LINGER_US);
}

void exchange_time_grace(struct exchange *x, struct moment now)
{
    x->until_us = smaller(x->until_us, now.us + GRACE_US);
}

void exchange_time_all_said(struct exchange *x, struct moment now)
{
    x->until_us = smaller(x->until_us, now.us + LINGER_US);
}

void exchange_time_body(struct exchange *x, struct moment now)
{
    x->rq->body_us = now.us;
    x->rq->expects = false;
}

static bool wants_body(const struct exchange *x)
{
    bool waits_for_100 = x->rq->expects && x->rq->interims == 0;
    return x->phase == PHASE_ACTIVE && exchange_is_http(x) && !x->rq->whole && !x->rq->answered && !waits_for_100 && exchange_wants_read(x, SIDE_DOWN);
}

/* The time of the turn is that of the last movement: every change of which side waits is a movement. */
void exchange_time_settle(struct exchange *x)
{
    struct request *rq = x->rq;
    if (link_pending(&x->down) == 0)
        x->stall_us = 0;
    else if (x->stall_us == 0)
        x->stall_us = x->active_us;
    if (rq->whole || !rq->begun)
        return;
    bool wants = wants_body(x);
    if (wants && rq->wanted_us == 0) {
        rq->wanted_us = x->active_us;
    } else if (!wants && rq->wanted_us != 0) {
        rq->waited_us += x->active_us - rq->wanted_us;
        rq->wanted_us = 0;
    }
}

/* ---- deadlines ---- */

/* It applies to http, where the answers are ours to bound; in a tunnel who is silent is the business of its two ends. */
static uint64_t stall_deadline(const struct exchange *x)
{
    bool applies = x->stall_us != 0 && exchange_is_http(x) && x->phase != PHASE_ACCEPT && x->phase != PHASE_DONE;
    return applies ? x->stall_us + x->listener->conf->write_ms * 1000 : UINT64_MAX;
}

static uint64_t body_pause_deadline(const struct exchange *x)
{
    return x->rq->wanted_us != 0 ? larger(x->rq->wanted_us, x->rq->body_us) + x->listener->conf->body_ms * 1000 : UINT64_MAX;
}

/* When the body will have been wanted for longer than what came of it allows. */
static uint64_t body_rate_deadline(const struct exchange *x)
{
    const struct request *rq = x->rq;
    uint64_t rate = x->listener->conf->min_body_rate;
    if (rq->wanted_us == 0 || rate == 0)
        return UINT64_MAX;
    uint64_t allowed_us = larger(BODY_TRIAL_US, rq->bytes_in * 1000 / rate * 1000);
    return rq->wanted_us + (allowed_us > rq->waited_us ? allowed_us - rq->waited_us : 0);
}

static bool answer_is_due(const struct exchange *x)
{
    return !x->rq->answered && (x->rq->whole || (x->rq->expects && x->rq->interims == 0));
}

/* While the client takes nothing the upstream is not read either: then its silence is not its own. */
static uint64_t upstream_deadline(const struct exchange *x)
{
    const struct config_upstream *up = x->target->upstream->conf;
    if (!exchange_wants_read(x, SIDE_UP))
        return UINT64_MAX;
    return x->up_us + (answer_is_due(x) ? up->response_ms : up->idle_ms) * 1000;
}

static uint64_t tunnel_deadline(const struct exchange *x)
{
    const struct config_listener *conf = x->listener->conf;
    const struct config_upstream *up = x->target->upstream->conf;
    /* a tunnel on an http listener: its idle time is that between requests, which is much shorter */
    return x->active_us + (conf->protocol == CONFIG_PROTOCOL_TCP ? smaller(conf->idle_ms, up->idle_ms) : up->idle_ms) * 1000;
}

static uint64_t active_deadline(const struct exchange *x)
{
    if (!exchange_is_http(x))
        return tunnel_deadline(x);
    uint64_t body = smaller(body_pause_deadline(x), body_rate_deadline(x));
    return smaller(body, upstream_deadline(x));
}

static uint64_t phase_deadline(const struct exchange *x)
{
    const struct config_listener *conf = x->listener->conf;
    const struct config_upstream *up = x->target != NULL ? x->target->upstream->conf : NULL;
    switch (x->phase) {
    case PHASE_TOLD:
    case PHASE_ACCEPT:
        return x->since_us + conf->handshake_ms * 1000;
    case PHASE_IDLE:
        return x->head_us != 0 ? x->head_us + conf->header_ms * 1000 : x->since_us + conf->idle_ms * 1000;
    case PHASE_SNIFF:
        return x->since_us + exchange_forward_sniff_limit_ms(x) * 1000;
    case PHASE_CONNECT:
        return x->since_us + up->connect_ms * 1000;
    case PHASE_PROXY: /* the way through it is part of connecting */
        return x->rq->connect_us + up->connect_ms * 1000;
    case PHASE_SECURE:
        return x->since_us + up->handshake_ms * 1000;
    case PHASE_ACTIVE:
        return active_deadline(x);
    case PHASE_LINGER:
        return x->until_us;
    case PHASE_DONE:
        break;
    }
    return UINT64_MAX;
}

uint64_t exchange_deadline_us(const struct exchange *x)
{
    return smaller(phase_deadline(x), stall_deadline(x));
}

/* ---- what they mean ---- */

static void idle_deadline(struct exchange *x, struct moment now)
{
    char text[EXCHANGE_LIMIT_SIZE];
    if (x->head_us == 0) {
        exchange_finish(x, now); /* an unused keep-alive connection: nothing to report */
        return;
    }
    if (!exchange_request_begin(x, span_of(NULL, 0), span_of(NULL, 0))) {
        exchange_finish(x, now);
        return;
    }
    x->rq->begun = true;
    x->close_after = true;
    exchange_answer(x, REASON_REQUEST_TIMEOUT, exchange_limit_text(x, LIMIT_HEADER, "the request head did not arrive in time", text), now);
}

static void request_too_slow(struct exchange *x, enum limit which, const char *what, struct moment now)
{
    char text[EXCHANGE_LIMIT_SIZE];
    x->close_after = true;
    exchange_answer(x, REASON_REQUEST_TIMEOUT, exchange_limit_text(x, which, what, text), now);
}

static void upstream_too_slow(struct exchange *x, enum reason reason, enum limit which, const char *what, struct moment now)
{
    char text[EXCHANGE_LIMIT_SIZE];
    exchange_upstream_failed(x, reason, exchange_limit_text(x, which, what, text), now);
}

static void tunnel_is_idle(struct exchange *x, struct moment now)
{
    char text[EXCHANGE_LIMIT_SIZE];
    bool listeners = x->listener->conf->protocol == CONFIG_PROTOCOL_TCP && x->listener->conf->idle_ms <= x->target->upstream->conf->idle_ms;
    enum limit which = listeners ? LIMIT_LISTENER_IDLE : LIMIT_UPSTREAM_IDLE;
    exchange_report(x, REASON_RESPONSE_TIMEOUT, exchange_limit_text(x, which, "no data was sent for the idle time", text), now);
    x->reset = true;
    exchange_finish(x, now);
}

static void active_too_slow(struct exchange *x, struct moment now)
{
    enum limit upstreams = answer_is_due(x) ? LIMIT_RESPONSE : LIMIT_UPSTREAM_IDLE;
    if (!exchange_is_http(x))
        tunnel_is_idle(x, now);
    else if (body_pause_deadline(x) <= now.us)
        request_too_slow(x, LIMIT_BODY, "the request's body paused for too long", now);
    else if (body_rate_deadline(x) <= now.us)
        request_too_slow(x, LIMIT_BODY_RATE, "the request's body comes too slowly", now);
    else if (x->rq->answered)
        upstream_too_slow(x, REASON_RESPONSE_TIMEOUT, upstreams, "the upstream stopped in the middle of its answer", now);
    else
        upstream_too_slow(x, REASON_RESPONSE_TIMEOUT, upstreams, "the upstream did not answer in time", now);
}

/* What it did not take is lost to it, and what it has must not look whole (security B7). */
static void client_stalled(struct exchange *x, struct moment now)
{
    char text[EXCHANGE_LIMIT_SIZE];
    if (x->phase == PHASE_LINGER || (x->phase == PHASE_IDLE && !x->rq->begun)) {
        if (x->phase == PHASE_IDLE)
            exchange_report(x, REASON_CLIENT_STALLED, exchange_limit_text(x, LIMIT_WRITE, "the client does not read its answers", text), now);
        x->reset = true;
        exchange_finish(x, now);
        return;
    }
    exchange_answer(x, REASON_CLIENT_STALLED, exchange_limit_text(x, LIMIT_WRITE, "the client does not read its answer", text), now);
}

static void client_never_began(struct exchange *x, enum limit which, const char *what, struct moment now)
{
    char text[EXCHANGE_LIMIT_SIZE];
    exchange_client_failed(x, REASON_HANDSHAKE_TIMEOUT, exchange_limit_text(x, which, what, text), now);
}

void exchange_on_deadline(struct exchange *x, struct moment now)
{
    if (stall_deadline(x) <= now.us) {
        client_stalled(x, now);
        return;
    }
    switch (x->phase) {
    case PHASE_TOLD:
        client_never_began(x, LIMIT_PROXY_HEADER, "the client did not send a PROXY header in time", now);
        break;
    case PHASE_ACCEPT:
        client_never_began(x, LIMIT_CLIENT_HANDSHAKE, "the client did not finish the TLS handshake in time", now);
        exchange_finish(x, now);
        break;
    case PHASE_IDLE:
        idle_deadline(x, now);
        break;
    case PHASE_SNIFF:
        exchange_forward_silence(x, now);
        break;
    case PHASE_CONNECT:
        upstream_too_slow(x, REASON_CONNECT_TIMEOUT, LIMIT_CONNECT, "the upstream did not accept the connection in time", now);
        break;
    case PHASE_PROXY:
        upstream_too_slow(x, REASON_CONNECT_TIMEOUT, LIMIT_CONNECT, "the upstream's proxy did not open the tunnel in time", now);
        break;
    case PHASE_SECURE:
        upstream_too_slow(x, REASON_HANDSHAKE_TIMEOUT, LIMIT_UPSTREAM_HANDSHAKE, "the upstream did not finish the TLS handshake in time", now);
        break;
    case PHASE_ACTIVE:
        active_too_slow(x, now);
        break;
    case PHASE_LINGER:
        x->reset = x->reset || link_pending(&x->down) > 0;
        exchange_enter(x, PHASE_DONE, now);
        break;
    case PHASE_DONE:
        break;
    }
}

void exchange_on_connect_late(struct exchange *x, enum reason reason, const char *what, struct moment now)
{
    upstream_too_slow(x, reason, LIMIT_CONNECT, what, now);
}

void exchange_on_drain(struct exchange *x, struct moment now)
{
    x->close_after = true;
    if (x->phase == PHASE_IDLE && !x->rq->begun && x->held[SIDE_DOWN].len == 0 && http1_is_idle(x->http)) {
        link_end(&x->down);
        exchange_enter(x, PHASE_LINGER, now);
        exchange_time_grace(x, now); /* no answer is due */
    }
}

/* A request from its first byte on, a tcp connection with its way to the upstream, an answer that waits for its client. */
static bool has_work(const struct exchange *x)
{
    switch (x->phase) {
    case PHASE_TOLD:
    case PHASE_ACCEPT:
    case PHASE_DONE:
        return false;
    case PHASE_IDLE:
        return x->rq->begun || x->head_us != 0 || link_pending(&x->down) > 0;
    case PHASE_LINGER:
        return link_pending(&x->down) > 0;
    case PHASE_SNIFF:
    case PHASE_CONNECT:
    case PHASE_PROXY:
    case PHASE_SECURE:
    case PHASE_ACTIVE:
        break;
    }
    return true;
}

bool exchange_cut(struct exchange *x, const char *why, struct moment now)
{
    bool cut = has_work(x);
    if (cut)
        exchange_report(x, REASON_DRAINING, why, now);
    x->reset = true;
    exchange_finish(x, now);
    return cut;
}
