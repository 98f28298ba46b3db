/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/exchange.h"
#include "exchange_internal.h"


#include <stdlib.h>
#include <string.h>

enum {
    HELD_MAX = 1024 * 1024,    /* one turn's bytes; reading stops while anything is held */
};

bool exchange_is_http(const struct exchange *x)
{
    return x->http != NULL;
}

static enum side other(enum side side)
{
    return side == SIDE_DOWN ? SIDE_UP : SIDE_DOWN;
}

struct link *exchange_link(struct exchange *x, enum side side)
{
    if (side == SIDE_DOWN)
        return &x->down;
    return x->up != NULL ? &x->up->link : NULL;
}

struct uplink *exchange_uplink(struct exchange *x)
{
    return x->up;
}

void *exchange_driver(const struct exchange *x)
{
    return x->driver;
}

const struct plan_listener *exchange_listener(const struct exchange *x)
{
    return x->listener;
}

/* ---- life ---- */

/* The client's side stands: wait for a request, or connect on its behalf. */
void exchange_begin(struct exchange *x, struct moment now)
{
    if (exchange_is_http(x)) {
        exchange_enter(x, PHASE_IDLE, now);
        return;
    }
    x->route = &x->listener->routes[0];
    if (!exchange_request_begin(x, span_of(NULL, 0), span_of(NULL, 0)))
        return; /* what is broken is ended when the turn does */
    if (exchange_choose(x, now)) {
        exchange_go_upstream(x, now);
        return;
    }
    exchange_report(x, REASON_NO_TARGET, "no target of the upstream can be used now", now);
    x->reset = true;
    exchange_finish(x, now);
}

struct exchange *exchange_new(struct exchange_env *env, const struct plan_listener *listener, const struct client_address *client, void *driver,
                              struct moment now, struct err *err)
{
    struct exchange *x = calloc(1, sizeof(*x));
    if (x == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    exchange_request_forget(x);
    x->env = env;
    x->listener = listener;
    x->driver = driver;
    x->client = *client;
    bytes_init(&x->held[SIDE_DOWN], HELD_MAX);
    bytes_init(&x->held[SIDE_UP], HELD_MAX);
    bytes_init(&x->identity, 256 * 1024);
    link_init(&x->down, NULL);
    const struct config_listener *conf = listener->conf;
    if (conf->protocol == CONFIG_PROTOCOL_HTTP &&
        (x->http = http1_new(true, (size_t)conf->max_header_bytes, conf->max_headers)) == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        goto fail;
    }
    x->active_us = x->since_us = now.us;
    if (!conf->accept_proxy_protocol && !exchange_count_in(x, now))
        return x;
    if (listener->tls != NULL && (x->down.tls = tls_engine_new(listener->tls, env->tickets, exchange_tls_accept_client, x, err)) == NULL)
        goto fail;
    if (conf->accept_proxy_protocol)
        x->phase = PHASE_TOLD;
    else if (listener->tls != NULL)
        x->phase = PHASE_ACCEPT;
    else
        exchange_begin(x, now);
    return x;
fail:
    exchange_free(x);
    return NULL;
}

void exchange_forget_request(struct exchange *x)
{
    exchange_leave_target(x);
    exchange_request_forget(x);
    exchange_forward_forget(x, false);
    x->hint = NULL;
    if (exchange_is_http(x)) {
        x->route = NULL;
        x->n_also = 0;
        x->target = NULL;
        x->would_refuse = false;
    }
}

void exchange_free(struct exchange *x)
{
    if (x == NULL)
        return;
    exchange_count_out(x);
    exchange_drop_uplink(x);
    link_clear(&x->down);
    http1_free(x->http);
    bytes_clear(&x->held[SIDE_DOWN]);
    bytes_clear(&x->held[SIDE_UP]);
    bytes_clear(&x->identity);
    exchange_forget_request(x);
    exchange_forward_forget(x, true);
    free(x);
}

void exchange_enter(struct exchange *x, enum phase phase, struct moment now)
{
    x->served = x->served || phase == PHASE_CONNECT || phase == PHASE_ACTIVE;
    x->phase = phase;
    x->since_us = x->active_us = x->up_us = now.us;
    if (phase == PHASE_LINGER) {
        bytes_clear(&x->held[SIDE_DOWN]); /* dropped like what follows it: while it stood here nothing more would be read */
        exchange_time_linger(x, now);
    }
    if (phase == PHASE_CONNECT && x->rq->begun_us == 0)
        x->rq->begun_us = now.us;
    if (phase == PHASE_CONNECT)
        x->rq->connect_us = now.us;
}

void exchange_finish(struct exchange *x, struct moment now)
{
    exchange_leave_target(x);
    exchange_drop_uplink(x);
    exchange_enter(x, PHASE_DONE, now);
}

bool exchange_hold(struct exchange *x, enum side side, struct span rest)
{
    if (bytes_append_span(&x->held[side], rest) == 0)
        return true;
    x->down.broken = true;
    return false;
}

/* ---- telling ---- */

void exchange_report(struct exchange *x, enum reason reason, const char *detail, struct moment now)
{
    struct tls_facts down, up;
    struct report r = {
        .kind = x->rq->begun ? REPORT_REQUEST : REPORT_CONNECTION,
        .listener = x->listener,
        .target = x->target,
        .route = x->route,
        .client = x->client.text,
        .method = span_of(x->rq->line, x->rq->method_len),
        .uri = span_of(x->rq->line + x->rq->method_len, x->rq->uri_len),
        .minor = x->rq->minor,
        .status = x->rq->status,
        .reason = reason,
        .would_refuse = x->would_refuse ? REASON_NOT_ALLOWED : REASON_UNDECIDED,
        .detail = detail,
        .hint = x->hint,
        .refused_by = report_blame(reason),
        .retries = x->rq->retries,
        .up_reused = x->rq->from_pool,
        .bytes_in = x->rq->bytes_in,
        .bytes_out = x->rq->bytes_out,
    };
    if (x->down.tls != NULL) {
        tls_engine_facts(x->down.tls, &down);
        r.down = &down;
    }
    if (x->up != NULL && x->up->link.tls != NULL) {
        tls_engine_facts(x->up->link.tls, &up);
        r.up = &up;
    }
    exchange_agent_report(x, &r);
    const struct request *rq = x->rq;
    if (rq->connected_us != 0)
        r.connect_us = rq->connected_us - rq->connect_us;
    if (rq->secured_us != 0)
        r.handshake_us = rq->secured_us - rq->connected_us;
    if (rq->first_byte_us != 0)
        r.first_byte_us = rq->first_byte_us - rq->begun_us;
    r.total_us = now.us - (rq->begun_us != 0 ? rq->begun_us : x->since_us);
    x->env->observer.on_report(x->env->observer.ctx, &r);
}

/* ---- failures ---- */

/* A client's connection came to nothing. */
void exchange_client_failed(struct exchange *x, enum reason reason, const char *text, struct moment now)
{
    if (x->phase == PHASE_DONE || x->phase == PHASE_LINGER)
        return;
    bool gone = reason == REASON_TRUNCATED || reason == REASON_CLIENT_CLOSED;
    bool idle = gone && x->phase == PHASE_IDLE && !x->rq->begun && http1_is_idle(x->http);
    if (!idle)
        exchange_report(x, reason, text, now);
    x->reset = !idle;
    exchange_finish(x, now);
}

/* ---- bytes in ---- */

static void from_client(struct exchange *x, struct span in, struct moment now)
{
    if (x->phase == PHASE_LINGER || x->phase == PHASE_DONE)
        return;
    if (x->phase == PHASE_SNIFF) {
        exchange_forward_sniff(x, in, now);
        return;
    }
    if (x->held[SIDE_DOWN].len > 0) {
        exchange_hold(x, SIDE_DOWN, in);
        return;
    }
    if (exchange_is_http(x))
        exchange_http_from_client(x, in, now);
    else if (x->phase == PHASE_ACTIVE)
        exchange_tcp_pass(x, SIDE_DOWN, in);
    else
        exchange_hold(x, SIDE_DOWN, in);
}

static void from_upstream(struct exchange *x, struct span in, struct moment now)
{
    if (exchange_is_http(x))
        exchange_response_in(x, in, now);
    else
        exchange_tcp_pass(x, SIDE_UP, in);
}

void exchange_deliver(struct exchange *x, enum side side, struct span in, struct moment now)
{
    if (side == SIDE_DOWN)
        from_client(x, in, now);
    else
        from_upstream(x, in, now);
}

void exchange_side_ended(struct exchange *x, enum side side, struct moment now)
{
    if (x->eof[side] || x->phase == PHASE_DONE)
        return;
    x->eof[side] = true;
    if (x->phase == PHASE_LINGER) {
        if (side == SIDE_DOWN && link_pending(&x->down) == 0)
            exchange_enter(x, PHASE_DONE, now);
        return;
    }
    if (x->phase == PHASE_SNIFF)
        exchange_forward_client_ended(x, now);
    else if (!exchange_is_http(x))
        exchange_tcp_ended(x, now);
    else if (side == SIDE_UP)
        exchange_response_ended(x, now);
    else
        exchange_http_client_ended(x, now);
}

void exchange_on_wire(struct exchange *x, enum side side, struct span wire, struct moment now)
{
    struct link *link = exchange_link(x, side);
    if (link == NULL || x->phase == PHASE_DONE || link->broken)
        return;
    x->active_us = now.us;
    if (side == SIDE_UP)
        x->up_us = now.us;
    if (x->phase == PHASE_TOLD) {
        exchange_told_in(x, wire, now);
        return;
    }
    if (x->phase == PHASE_PROXY && side == SIDE_UP) {
        exchange_dial_in(x, wire, now);
        return;
    }
    if (link->tls == NULL) {
        exchange_deliver(x, side, wire, now);
        return;
    }
    tls_engine_wire_in(link->tls, wire, now.utc);
    exchange_tls_in(x, side, now);
}

void exchange_on_eof(struct exchange *x, enum side side, struct moment now)
{
    struct link *link = exchange_link(x, side);
    if (link == NULL || x->phase == PHASE_DONE)
        return;
    x->active_us = now.us;
    if (x->phase == PHASE_LINGER && side == SIDE_DOWN) {
        x->eof[side] = true;
        if (link_pending(&x->down) == 0)
            exchange_enter(x, PHASE_DONE, now);
    } else if (x->phase == PHASE_TOLD) {
        exchange_told_ended(x, now);
    } else if (x->phase == PHASE_PROXY && side == SIDE_UP) {
        exchange_dial_ended(x, now);
    } else if (link->tls == NULL) {
        exchange_side_ended(x, side, now);
    } else if (!link->broken) {
        tls_engine_wire_eof(link->tls, now.utc);
        exchange_tls_in(x, side, now);
    }
}

void exchange_on_error(struct exchange *x, enum side side, const char *text, struct moment now)
{
    if (x->phase == PHASE_DONE)
        return;
    if (side == SIDE_UP) {
        if (x->up == NULL)
            return;
        if (x->phase == PHASE_SECURE)
            exchange_tls_report(x, SIDE_UP);
        exchange_upstream_failed(x, REASON_UPSTREAM_CLOSED, text, now);
        return;
    }
    if (link_is_handshaking(&x->down) && !x->down.broken) { /* the engine knows better what that means */
        tls_engine_wire_eof(x->down.tls, now.utc);
        exchange_tls_in(x, SIDE_DOWN, now);
    }
    x->down.broken = true;
    gather_clear(&x->down.out);
    x->down.end_said = x->down.end_wanted = true;
    if (x->phase == PHASE_LINGER)
        exchange_enter(x, PHASE_DONE, now);
    else
        exchange_client_failed(x, REASON_CLIENT_CLOSED, text, now);
    exchange_finish(x, now);
}

void exchange_on_sent(struct exchange *x, enum side side, size_t n, struct moment now)
{
    struct link *link = exchange_link(x, side);
    if (link == NULL)
        return;
    link_sent(link, n);
    x->active_us = now.us;
    if (side == SIDE_UP)
        x->up_us = now.us;
    else if (n > 0)
        x->stall_us = 0; /* it takes something: recorded again when the turn ends */
    if (side == SIDE_UP && n > 0 && x->phase == PHASE_ACTIVE)
        x->rq->sent = true;
    if (x->phase == PHASE_ACTIVE && !exchange_is_http(x))
        exchange_tcp_ended(x, now);
    if (x->phase != PHASE_LINGER || side != SIDE_DOWN || link_pending(&x->down) > 0)
        return;
    if (x->eof[SIDE_DOWN])
        exchange_enter(x, PHASE_DONE, now);
    else if (n > 0)
        exchange_time_all_said(x, now);
}

/* ---- wants ---- */

static size_t pending_of(const struct exchange *x, enum side side)
{
    if (side == SIDE_DOWN)
        return link_pending(&x->down);
    return x->up != NULL ? link_pending(&x->up->link) : 0;
}

bool exchange_wants_read(const struct exchange *x, enum side side)
{
    if (x->phase == PHASE_TOLD || x->phase == PHASE_SNIFF)
        return side == SIDE_DOWN && !x->eof[side];
    if (x->phase == PHASE_DONE || x->held[side].len > 0)
        return false;
    if (x->phase == PHASE_LINGER)
        return side == SIDE_DOWN && !x->eof[side];
    return !x->eof[side] && pending_of(x, other(side)) < OUTPUT_MARK;
}

static bool may_deliver(struct exchange *x, enum side side)
{
    if (x->held[side].len == 0)
        return false;
    if (x->phase == PHASE_SNIFF)
        return side == SIDE_DOWN;
    if (exchange_is_http(x) && side == SIDE_DOWN && !exchange_http_may_read(x))
        return false; /* the next request waits for the answer to this one */
    if (x->phase != PHASE_ACTIVE && x->phase != PHASE_IDLE)
        return false;
    struct link *to = exchange_link(x, other(side));
    return to == NULL || link_pending(to) < OUTPUT_MARK;
}

/* TLS may also fail while it writes. */
static bool tell_failed_writers(struct exchange *x, struct moment now)
{
    bool any = false;
    for (enum side side = SIDE_DOWN; side <= SIDE_UP; side++) {
        const struct link *link = exchange_link(x, side);
        bool failed = link != NULL && link->tls != NULL && !link->broken && (tls_engine_flags(link->tls) & TLS_FAILED);
        if (failed && x->phase != PHASE_DONE)
            exchange_tls_after(x, side, now);
        any = any || failed;
    }
    return any;
}

bool exchange_continue(struct exchange *x, struct moment now)
{
    bool any = tell_failed_writers(x, now) || x->redial;
    x->redial = false;
    for (enum side side = SIDE_DOWN; side <= SIDE_UP; side++) {
        if (!may_deliver(x, side))
            continue;
        struct bytes held;
        bytes_init(&held, HELD_MAX);
        bytes_take(&x->held[side], &held);
        size_t before = held.len;
        enum phase phase = x->phase;
        exchange_deliver(x, side, bytes_span(&held), now);
        exchange_settle(x); /* the borrowed bytes end with this block */
        any = any || x->held[side].len < before || x->phase != phase; /* what was only looked at is held for the phase it led to */
        bytes_clear(&held);
        if (!exchange_is_http(x))
            exchange_tcp_ended(x, now);
        else if (side == SIDE_DOWN && x->eof[side] && (x->phase == PHASE_ACTIVE || x->phase == PHASE_IDLE))
            exchange_http_client_ended(x, now);
    }
    return any;
}

/* Memory ran out and something of the answer is lost: what the client has must not look whole. */
static void end_if_broken(struct exchange *x)
{
    bool down = x->down.broken && (x->down.tls == NULL || !(tls_engine_flags(x->down.tls) & TLS_FAILED));
    bool up = x->up != NULL && x->up->link.broken;
    if (x->phase == PHASE_DONE || !(down || up))
        return;
    struct moment now = {.us = x->active_us};
    if (x->phase != PHASE_LINGER)
        exchange_report(x, REASON_INTERNAL, "out of memory", now);
    x->reset = true;
    exchange_finish(x, now);
}

void exchange_settle(struct exchange *x)
{
    link_settle(&x->down);
    if (x->up != NULL)
        link_settle(&x->up->link);
    if (x->phase == PHASE_ACTIVE)
        x->rq->offered = true;
    exchange_time_settle(x);
    end_if_broken(x);
}

bool exchange_is_done(const struct exchange *x, bool *reset)
{
    *reset = x->reset;
    return x->phase == PHASE_DONE;
}

bool exchange_is_idle(const struct exchange *x)
{
    return x->phase == PHASE_IDLE && !x->rq->begun && x->up == NULL; /* a part of the next head may be here: nothing was made of it yet */
}

uint64_t exchange_idle_since_us(const struct exchange *x, bool *fresh)
{
    *fresh = !x->served;
    bool idle = exchange_is_idle(x) && x->head_us == 0 && x->held[SIDE_DOWN].len == 0 && link_pending(&x->down) == 0;
    return idle ? x->since_us : UINT64_MAX;
}

bool exchange_holds_next(const struct exchange *x)
{
    return x->held[SIDE_DOWN].len > 0;
}
