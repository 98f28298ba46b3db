/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_internal.h"

enum {
    LINGER_US = 2 * 1000 * 1000,
    DRAIN_GRACE_US = 200 * 1000,
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t active_limit_ms(const struct exchange *x)
{
    const struct config_upstream *up = x->target->upstream->conf;
    if (exchange_is_http(x))
        return x->rq.whole && !x->rq.answered ? up->response_ms : up->idle_ms;
    /* a tunnel on an http listener: its idle time is that between requests, which is much shorter */
    return x->listener->conf->protocol == CONFIG_PROTOCOL_TCP ? smaller(x->listener->conf->idle_ms, up->idle_ms) : up->idle_ms;
}

uint64_t exchange_deadline_us(const struct exchange *x)
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
        return x->rq.connect_us + up->connect_ms * 1000;
    case PHASE_SECURE:
        return x->since_us + up->handshake_ms * 1000;
    case PHASE_ACTIVE:
        return x->active_us + active_limit_ms(x) * 1000;
    case PHASE_LINGER:
        return link_pending(&x->down) > 0 && !x->down.broken ? x->active_us + conf->idle_ms * 1000 : x->since_us + LINGER_US;
    case PHASE_DONE:
        break;
    }
    return UINT64_MAX;
}

static void idle_deadline(struct exchange *x, struct moment now)
{
    if (x->head_us == 0) {
        exchange_finish(x, now); /* a keep-alive connection that nobody used: nothing to report */
        return;
    }
    x->rq.begun = true;
    x->close_after = true;
    exchange_answer(x, REASON_REQUEST_TIMEOUT, "the request head did not arrive in time", now);
}

static void active_deadline(struct exchange *x, struct moment now)
{
    if (exchange_is_http(x) && x->rq.whole) {
        exchange_upstream_failed(x, REASON_RESPONSE_TIMEOUT, "the upstream did not answer in time", now);
        return;
    }
    if (exchange_is_http(x)) {
        exchange_answer(x, REASON_REQUEST_TIMEOUT, "nothing moved for the idle time", now);
        return;
    }
    exchange_report(x, REASON_RESPONSE_TIMEOUT, "nothing moved for the idle time", now);
    x->reset = true;
    exchange_finish(x, now);
}

void exchange_on_deadline(struct exchange *x, struct moment now)
{
    switch (x->phase) {
    case PHASE_TOLD:
        exchange_client_failed(x, REASON_HANDSHAKE_TIMEOUT, "the client did not send a PROXY header in time", now);
        break;
    case PHASE_ACCEPT:
        exchange_client_failed(x, REASON_HANDSHAKE_TIMEOUT, "the client did not finish the TLS handshake in time", now);
        exchange_finish(x, now);
        break;
    case PHASE_IDLE:
        idle_deadline(x, now);
        break;
    case PHASE_SNIFF:
        exchange_forward_silence(x, now);
        break;
    case PHASE_CONNECT:
        exchange_upstream_failed(x, REASON_CONNECT_TIMEOUT, "the upstream did not accept the connection in time", now);
        break;
    case PHASE_PROXY:
        exchange_upstream_failed(x, REASON_CONNECT_TIMEOUT, "the proxy did not open a way to the upstream in time", now);
        break;
    case PHASE_SECURE:
        exchange_upstream_failed(x, REASON_HANDSHAKE_TIMEOUT, "the upstream did not finish the TLS handshake in time", now);
        break;
    case PHASE_ACTIVE:
        active_deadline(x, now);
        break;
    case PHASE_LINGER:
        exchange_enter(x, PHASE_DONE, now);
        break;
    case PHASE_DONE:
        break;
    }
}

void exchange_on_drain(struct exchange *x, struct moment now)
{
    x->close_after = true;
    if (x->phase == PHASE_IDLE && !x->rq.begun && x->held[SIDE_DOWN].len == 0 && http1_is_idle(x->http)) {
        link_end(&x->down);
        exchange_enter(x, PHASE_LINGER, now);
        x->since_us = now.us - LINGER_US + DRAIN_GRACE_US; /* nobody is owed an answer: a short grace will do */
    }
}
