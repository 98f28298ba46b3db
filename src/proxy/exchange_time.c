/* SPDX-License-Identifier: Apache-2.0 */
/* The time limits of an exchange: its way to the upstream, the client's body, the upstream's answer, the silence of a tunnel. */
#include "exchange_internal.h"

enum {
    SECOND_US = 1000 * 1000,
    BODY_TRIAL_US = 10 * SECOND_US, /* a body this old has to show its rate */
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

void exchange_time_body(struct exchange *x, struct moment now)
{
    x->at.body_us = now.us;
    x->asked.expects = false;
}

static bool waits_for_100(const struct exchange *x)
{
    return x->asked.expects && x->answer.interims == 0;
}

static bool wants_body(const struct exchange *x)
{
    bool takes = x->asked.http2 ? exchange_takes_body(x) : client_wants_read(x->client);
    return x->phase == EXCHANGE_ACTIVE && !x->raw && !x->answer.answered && !waits_for_100(x) && takes;
}

/* A stream that its client gives no window, while others of the connection go on. */
static void note_stall(struct exchange *x, struct moment now)
{
    uint64_t shut_us = x->down.stream != NULL ? http2_shut_us(x->client->link.h2, x->down.stream) : UINT64_MAX;
    if (shut_us == UINT64_MAX)
        x->at.stall_us = 0;
    else
        x->at.stall_us = x->at.stall_us == 0 ? now.us : larger(x->at.stall_us, shut_us);
}

void exchange_time_settle(struct exchange *x, struct moment now)
{
    if (x->asked.http2)
        note_stall(x, now);
    if (x->asked.whole || x->raw)
        return;
    struct exchange_times *at = &x->at;
    bool wants = wants_body(x);
    if (wants && at->wanted_us == 0) {
        at->wanted_us = now.us;
    } else if (!wants && at->wanted_us != 0) {
        at->waited_us += now.us - at->wanted_us;
        at->wanted_us = 0;
    }
}

/* ---- deadlines ---- */

static uint64_t body_pause_deadline(const struct exchange *x)
{
    return x->at.wanted_us != 0 ? larger(x->at.wanted_us, x->at.body_us) + x->listener->conf->body_ms * 1000 : UINT64_MAX;
}

/* When the body will have been wanted for longer than what came of it allows. */
static uint64_t body_rate_deadline(const struct exchange *x)
{
    uint64_t rate = x->listener->conf->min_body_rate;
    if (x->at.wanted_us == 0 || rate == 0)
        return UINT64_MAX;
    uint64_t allowed_us = larger(BODY_TRIAL_US, x->bytes.in * 1000 / rate * 1000);
    return x->at.wanted_us + (allowed_us > x->at.waited_us ? allowed_us - x->at.waited_us : 0);
}

static bool answer_is_due(const struct exchange *x)
{
    return !x->answer.answered && (x->asked.whole || waits_for_100(x));
}

/* While the client takes nothing the upstream is not read either: then its silence is not its own. */
static uint64_t upstream_deadline(const struct exchange *x)
{
    const struct config_upstream *up = x->way.target->upstream->conf;
    if (x->use.uplink == NULL || x->use.uplink->is.ended || flow_pending(&x->down) >= OUTPUT_MARK)
        return UINT64_MAX;
    return x->at.up_us + (answer_is_due(x) ? up->response_ms : up->idle_ms) * 1000;
}

static uint64_t tunnel_deadline(const struct exchange *x)
{
    const struct config_listener *conf = x->listener->conf;
    const struct config_upstream *up = x->way.target->upstream->conf;
    /* a tunnel on an http listener: its idle time is that between requests, which is much shorter */
    uint64_t moved_us = x->asked.http2 ? x->at.active_us : larger(x->at.active_us, x->client->at.active_us);
    return moved_us +
           (conf->protocol == CONFIG_PROTOCOL_TCP ? smaller(conf->idle_ms, up->idle_ms) : up->idle_ms) * 1000;
}

static uint64_t stall_deadline(const struct exchange *x)
{
    return x->at.stall_us != 0 ? x->at.stall_us + x->listener->conf->write_ms * 1000 : UINT64_MAX;
}

/* A server's SETTINGS are its first bytes, and say whether it takes a WebSocket. */
static uint64_t settings_deadline(const struct exchange *x)
{
    bool waits = x->asked.upgrade && x->use.uplink->phase == UPLINK_OPEN;
    return waits ? x->at.active_us + x->way.target->upstream->conf->handshake_ms * 1000 : UINT64_MAX;
}

static uint64_t quiet_deadline(const struct exchange *x)
{
    return x->use.uplink != NULL ? uplink_quiet_deadline_us(x->use.uplink) : UINT64_MAX;
}

uint64_t exchange_deadline_us(const struct exchange *x)
{
    if (x->phase == EXCHANGE_WAITING)
        return x->use.uplink != NULL ? smaller(uplink_deadline_us(x->use.uplink), settings_deadline(x)) : UINT64_MAX;
    if (x->raw)
        return smaller(smaller(tunnel_deadline(x), stall_deadline(x)), quiet_deadline(x));
    return smaller(smaller(smaller(body_pause_deadline(x), body_rate_deadline(x)), smaller(upstream_deadline(x), stall_deadline(x))), quiet_deadline(x));
}

/* ---- what they mean ---- */

static void request_too_slow(struct exchange *x, enum limit which, const char *what, struct moment now)
{
    char text[LIMIT_TEXT_SIZE];
    exchange_is_last(x);
    exchange_answer(x, REASON_REQUEST_TIMEOUT, limit_text(x->listener, NULL, which, what, &x->answer.hint, text), now);
}

static void upstream_too_slow(struct exchange *x, const char *what, struct moment now)
{
    char text[LIMIT_TEXT_SIZE];
    enum limit which = answer_is_due(x) ? LIMIT_RESPONSE : LIMIT_UPSTREAM_IDLE;
    uplink_doubt(x->use.uplink, x->at.up_us);
    exchange_upstream_failed(x, REASON_RESPONSE_TIMEOUT, limit_text(x->listener, x->way.target, which, what, &x->answer.hint, text), now);
}

static void tunnel_is_idle(struct exchange *x, struct moment now)
{
    char text[LIMIT_TEXT_SIZE];
    const struct config_listener *conf = x->listener->conf;
    bool listeners = conf->protocol == CONFIG_PROTOCOL_TCP && conf->idle_ms <= x->way.target->upstream->conf->idle_ms;
    enum limit which = listeners ? LIMIT_LISTENER_IDLE : LIMIT_UPSTREAM_IDLE;
    limit_text(x->listener, x->way.target, which, "no data was sent for the idle time", &x->answer.hint, text);
    exchange_report(x, REASON_RESPONSE_TIMEOUT, text, now);
    exchange_finish(x, false, now);
}

static void client_stalled(struct exchange *x, struct moment now)
{
    char text[LIMIT_TEXT_SIZE];
    exchange_answer(x, REASON_CLIENT_STALLED, limit_text(x->listener, NULL, LIMIT_WRITE, "the client does not read its answer", &x->answer.hint, text), now);
}

/* Bytes that wait for other streams of the client may stop the upstream, too. */
static bool upstream_is_read(const struct exchange *x)
{
    return x->use.uplink == NULL || x->use.events->takes(&x->use);
}

void exchange_on_deadline(struct exchange *x, struct moment now)
{
    if (x->phase == EXCHANGE_WAITING && settings_deadline(x) <= now.us)
        exchange_go_by_http1(x, now);
    else if (x->phase == EXCHANGE_WAITING)
        uplink_on_late(x->use.uplink, now);
    else if (quiet_deadline(x) <= now.us)
        uplink_on_quiet(x->use.uplink, now);
    else if (stall_deadline(x) <= now.us)
        client_stalled(x, now);
    else if (x->raw)
        tunnel_is_idle(x, now);
    else if (body_pause_deadline(x) <= now.us)
        request_too_slow(x, LIMIT_BODY, "the request's body paused for too long", now);
    else if (body_rate_deadline(x) <= now.us)
        request_too_slow(x, LIMIT_BODY_RATE, "the request's body comes too slowly", now);
    else if (!upstream_is_read(x))
        x->at.up_us = now.us;
    else if (x->answer.answered)
        upstream_too_slow(x, "the upstream stopped in the middle of its answer", now);
    else
        upstream_too_slow(x, "the upstream did not answer in time", now);
}
