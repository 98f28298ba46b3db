/* SPDX-License-Identifier: Apache-2.0 */
/* The time limits of a client's connection, outside the requests that run. */
#include "exchange_internal.h"

enum {
    SECOND_US = 1000 * 1000,
    LINGER_US = 2 * SECOND_US,
    GRACE_US = SECOND_US / 5,
    ROUND_TRIP_US = SECOND_US, /* for the answer to a shutdown of HTTP/2: a client that gives none is not waited for */
    SLOWEST_READER = 500, /* bytes a second: who takes our last words more slowly does not get them all */
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- taking note ---- */

/* One budget for all of it: a client that takes a byte now and then has no more, nor has a client that goes on sending (security C7). */
void client_time_linger(struct client *c, struct moment now)
{
    uint64_t write_us = c->listener->conf->write_ms * 1000, pending = link_pending(&c->link), slow_us = pending * SECOND_US / SLOWEST_READER;
    uint64_t to_take_us = slow_us > write_us ? slow_us : write_us;
    c->at.until_us = now.us + (pending > 0 ? to_take_us : LINGER_US);
}

void client_time_grace(struct client *c, struct moment now)
{
    c->at.until_us = smaller(c->at.until_us, now.us + GRACE_US);
}

void client_time_all_said(struct client *c, struct moment now)
{
    c->at.until_us = smaller(c->at.until_us, now.us + LINGER_US);
}

/* The time of the turn is that of the last movement: what waits is a movement. Frames that are held were not offered to the socket yet. */
void client_time_settle(struct client *c)
{
    if (link_pending(&c->link) == 0 || c->link.place.held)
        c->at.stall_us = 0;
    else if (c->at.stall_us == 0)
        c->at.stall_us = c->at.active_us;
}

/* ---- deadlines ---- */

/* It applies to http, where the answers are ours to bound; in a tunnel who is silent is the business of its two ends. */
static uint64_t stall_deadline(const struct client *c)
{
    bool applies = c->at.stall_us != 0 && client_is_http(c) && c->phase != CLIENT_HANDSHAKE && c->phase != CLIENT_DONE;
    return applies ? c->at.stall_us + c->listener->conf->write_ms * 1000 : UINT64_MAX;
}

static uint64_t after(uint64_t since_us, uint64_t took_us)
{
    return since_us != UINT64_MAX ? since_us + took_us : UINT64_MAX;
}

/* Answers that are whole, and wait in the session for a window of their own. */
static uint64_t leaving_deadline(const struct client *c)
{
    return after(http2_stalled_us(c->link.h2), c->listener->conf->write_ms * 1000);
}

static uint64_t settings_deadline(const struct client *c)
{
    return after(http2_unacknowledged_us(c->link.h2), c->listener->conf->handshake_ms * 1000);
}

/* Requests that were answered before they were whole. */
static uint64_t resting_deadline(const struct client *c)
{
    return after(http2_resting_us(c->link.h2), ROUND_TRIP_US);
}

/* Frames that the client owes us about its HTTP/2 connection, with or without streams. */
static uint64_t session_deadline(const struct client *c)
{
    if (c->phase != CLIENT_OPEN)
        return UINT64_MAX;
    uint64_t shutdown = after(http2_shutdown_us(c->link.h2), ROUND_TRIP_US);
    return smaller(smaller(leaving_deadline(c), settings_deadline(c)), smaller(shutdown, resting_deadline(c)));
}

static uint64_t open_deadline(const struct client *c)
{
    const struct config_listener *conf = c->listener->conf;
    bool leaves = c->link.h2 != NULL && (http2_streams(c->link.h2) > 0 || http2_shutdown_us(c->link.h2) != UINT64_MAX);
    if (c->exchanges.first == NULL && c->at.head_us == 0 && leaves)
        return UINT64_MAX;
    if (c->exchanges.first == NULL)
        return c->at.head_us != 0 ? c->at.head_us + conf->header_ms * 1000 : c->at.since_us + conf->idle_ms * 1000;
    uint64_t soonest = client_http2_begins_us(c);
    for (const struct exchange *x = c->exchanges.first; x != NULL; x = x->next)
        soonest = smaller(soonest, exchange_deadline_us(x));
    return soonest;
}

static uint64_t phase_deadline(const struct client *c)
{
    switch (c->phase) {
    case CLIENT_PROXY_HEADER:
    case CLIENT_STARTTLS:
    case CLIENT_HELLO:
    case CLIENT_HANDSHAKE:
        return c->at.since_us + c->listener->conf->handshake_ms * 1000;
    case CLIENT_OPEN:
        return open_deadline(c);
    case CLIENT_SNIFF:
        return c->at.since_us + client_sniff_limit_ms(c) * 1000;
    case CLIENT_LINGER:
        return c->at.until_us;
    case CLIENT_DONE:
        break;
    }
    return UINT64_MAX;
}

uint64_t client_deadline_us(const struct client *c)
{
    uint64_t soonest = smaller(phase_deadline(c), stall_deadline(c));
    return c->link.h2 != NULL ? smaller(soonest, session_deadline(c)) : soonest;
}

/* ---- what they mean ---- */

static void never_began(struct client *c, enum limit which, const char *what, struct moment now)
{
    char text[LIMIT_TEXT_SIZE];
    const char *hint;
    limit_text(c->listener, NULL, which, what, &hint, text);
    client_failed(c, REASON_HANDSHAKE_TIMEOUT, text, hint, now);
}

/* An unused connection of HTTP/2, or one on which a frame was begun and never ended. */
static void no_stream(struct client *c, struct moment now)
{
    char text[LIMIT_TEXT_SIZE];
    const char *hint;
    if (c->at.head_us == 0) {
        client_http2_shutdown(c, now); /* a request may be on its way */
        return;
    }
    limit_text(c->listener, NULL, LIMIT_HEADER, "the request head did not arrive in time", &hint, text);
    client_report(c, REASON_REQUEST_TIMEOUT, text, hint, now);
    http2_shutdown_now(c->link.h2);
    client_linger(c, now);
}

/* An unused keep-alive connection: nothing to report. Else a head was begun and never ended. */
static void no_request(struct client *c, struct moment now)
{
    char text[LIMIT_TEXT_SIZE];
    struct span none = span_of(NULL, 0);
    struct exchange *x = c->at.head_us != 0 ? exchange_new(c, none, none, none, now) : NULL;
    if (x == NULL) {
        client_finish(c, now);
        return;
    }
    x->at.begun_us = now.us;
    c->is.close_after = true;
    exchange_answer(x, REASON_REQUEST_TIMEOUT, limit_text(c->listener, NULL, LIMIT_HEADER, "the request head did not arrive in time", &x->answer.hint, text), now);
}

static void open_is_late(struct client *c, struct moment now)
{
    if (c->exchanges.first == NULL && c->link.h2 != NULL)
        no_stream(c, now);
    else if (c->exchanges.first == NULL)
        no_request(c, now);
    for (struct exchange *x = c->exchanges.first, *next; x != NULL; x = next) {
        next = x->next;
        if (exchange_deadline_us(x) > now.us)
            continue;
        exchange_on_deadline(x, now);
        if (next != NULL && next->phase == EXCHANGE_OVER)
            next = c->exchanges.first; /* both waited for one connection, and it failed them all */
    }
}

/* The rest is lost to the client, and the part that it has must not look whole (security B7). */
static void stalled(struct client *c, struct moment now)
{
    char text[LIMIT_TEXT_SIZE];
    const char *hint;
    if (c->exchanges.first == NULL) {
        limit_text(c->listener, NULL, LIMIT_WRITE, "the client does not read its answers", &hint, text);
        if (c->phase != CLIENT_LINGER)
            client_report(c, REASON_CLIENT_STALLED, text, hint, now);
        c->is.reset = true;
        client_finish(c, now);
        return;
    }
    limit_text(c->listener, NULL, LIMIT_WRITE, "the client does not read its answer", &c->exchanges.first->answer.hint, text);
    exchange_answer(c->exchanges.first, REASON_CLIENT_STALLED, text, now);
}

static void streams_stalled(struct client *c, struct moment now)
{
    char text[LIMIT_TEXT_SIZE];
    const char *hint;
    limit_text(c->listener, NULL, LIMIT_WRITE, "the client does not read its answer", &hint, text);
    for (size_t n = http2_reset_stalled(c->link.h2, now.us - c->listener->conf->write_ms * 1000); n > 0; n--)
        client_report(c, REASON_CLIENT_STALLED, text, hint, now);
}

static void never_acknowledged(struct client *c, struct moment now)
{
    char text[LIMIT_TEXT_SIZE];
    const char *hint;
    limit_text(c->listener, NULL, LIMIT_CLIENT_HANDSHAKE, "the client did not acknowledge the SETTINGS of HTTP/2 in time", &hint, text);
    http2_settings_late(c->link.h2);
    client_http2_broken(c, REASON_HANDSHAKE_TIMEOUT, text, hint, now);
}

static void session_is_late(struct client *c, struct moment now)
{
    http2_set_now(c->link.h2, now.us);
    if (leaving_deadline(c) <= now.us)
        streams_stalled(c, now);
    else if (settings_deadline(c) <= now.us)
        never_acknowledged(c, now);
    else if (resting_deadline(c) <= now.us)
        http2_reset_resting(c->link.h2, now.us - ROUND_TRIP_US);
    else
        http2_shutdown_now(c->link.h2);
}

void client_on_deadline(struct client *c, struct moment now)
{
    run_touch(&c->link);
    if (stall_deadline(c) <= now.us) {
        stalled(c, now);
        return;
    }
    if (c->link.h2 != NULL && session_deadline(c) <= now.us) {
        session_is_late(c, now);
        return;
    }
    switch (c->phase) {
    case CLIENT_PROXY_HEADER:
        never_began(c, LIMIT_PROXY_HEADER, "the client did not send a PROXY header in time", now);
        break;
    case CLIENT_STARTTLS:
        never_began(c, LIMIT_CLIENT_HANDSHAKE, "the client did not ask for TLS in time", now);
        break;
    case CLIENT_HELLO:
        never_began(c, LIMIT_CLIENT_HANDSHAKE, "the client did not send its ClientHello in time", now);
        break;
    case CLIENT_HANDSHAKE:
        never_began(c, LIMIT_CLIENT_HANDSHAKE, "the client did not finish the TLS handshake in time", now);
        break;
    case CLIENT_OPEN:
        open_is_late(c, now);
        break;
    case CLIENT_SNIFF:
        client_sniff_silence(c, now);
        break;
    case CLIENT_LINGER:
        c->is.reset = c->is.reset || link_pending(&c->link) > 0;
        client_enter(c, CLIENT_DONE, now);
        break;
    case CLIENT_DONE:
        break;
    }
}

/* ---- the end of the worker ---- */

void client_on_last_call(struct client *c, struct moment now)
{
    run_touch(&c->link);
    c->is.close_after = true;
    if (c->link.h2 != NULL)
        client_http2_shutdown(c, now);
}

void client_on_drain(struct client *c, struct moment now)
{
    client_on_last_call(c, now);
    if (c->link.h2 == NULL && client_is_between(c)) {
        client_linger(c, now);
        client_time_grace(c, now); /* no answer is due */
    }
}

void client_give_way(struct client *c, struct moment now)
{
    if (c->link.h2 == NULL) {
        client_on_drain(c, now);
        return;
    }
    run_touch(&c->link);
    http2_shutdown_now(c->link.h2); /* what it sends meanwhile can be sent again, on another connection */
}

/* A request from its first byte on, a tcp connection with its way to the upstream, an answer that waits for its client. */
static bool has_work(const struct client *c)
{
    switch (c->phase) {
    case CLIENT_PROXY_HEADER:
    case CLIENT_STARTTLS:
    case CLIENT_HELLO:
    case CLIENT_HANDSHAKE:
    case CLIENT_DONE:
        return false;
    case CLIENT_OPEN:
        return c->exchanges.first != NULL || c->at.head_us != 0 || link_pending(&c->link) > 0;
    case CLIENT_LINGER:
        return link_pending(&c->link) > 0;
    case CLIENT_SNIFF:
        break;
    }
    return true;
}

bool client_cut(struct client *c, const char *why, struct moment now)
{
    bool cut = has_work(c);
    for (struct exchange *x = c->exchanges.first; x != NULL; x = x->next)
        exchange_report(x, REASON_DRAINING, why, now);
    if (cut && c->exchanges.first == NULL)
        client_report(c, REASON_DRAINING, why, NULL, now);
    c->is.reset = true;
    client_finish(c, now);
    return cut;
}
