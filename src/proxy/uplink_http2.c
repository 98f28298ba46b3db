/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an upstream's HTTP/2: the events of each stream go to the user that opened it (RFC 9113). */
#include "uplink_internal.h"

#include "mtlsd/proxy/pool.h"

#include <string.h>

/* By ALPN with TLS, by the configuration without. */
void uplink_agree(struct uplink *u)
{
    const struct http2_limits limits = {.max_head_bytes = UPLINK_HEAD_MAX, .max_fields = UPLINK_FIELDS_MAX, .blocks = &u->env->blocks, .streams = &u->env->streams};
    const char *agreed = u->link.tls != NULL ? tls_engine_alpn(u->link.tls) : NULL;
    bool http2 = u->is.may_http2 && (u->link.tls == NULL || (agreed != NULL && strcmp(agreed, HTTP2_ALPN) == 0));
    u->is.may_http2 = http2;
    pool_learn(u->env->pool, u);
    if (!http2)
        return;
    http1_free(u->http);
    u->http = NULL;
    u->link.h2 = http2_new(HTTP2_CLIENT, &limits);
    u->link.broken = u->link.broken || u->link.h2 == NULL;
    run_touch(&u->link);
}

/* ---- events ---- */

static void on_stream(struct uplink_use *use, enum http2_kind kind, const struct http2_event *e, struct moment now)
{
    const struct uplink_events *to = use->events;
    if (kind == HTTP2_RESET)
        to->on_reset(use, e->code, e->unprocessed, now);
    else if (kind == HTTP2_REFUSED)
        to->on_failed(use, e->reason, e->detail, NULL, now);
    else if (!to->on_bytes(use, e->data, now))
        return;
    else if (kind == HTTP2_HEAD || kind == HTTP2_INTERIM)
        to->on_head(use, e->head, now);
    else if (kind == HTTP2_DATA)
        to->on_data(use, e->data, now);
    else if (kind == HTTP2_TRAILERS)
        to->on_trailers(use, e->head, now);
    else if (kind == HTTP2_END)
        to->on_end(use, true, now);
}

static void on_event(struct uplink *u, enum http2_kind kind, const struct http2_event *e, struct moment now)
{
    struct uplink_use *use = e->stream != NULL ? http2_user(e->stream) : NULL;
    if (kind == HTTP2_HEAD)
        uplink_heed_answer(u, e->head);
    if (kind == HTTP2_GOAWAY || kind == HTTP2_BAD) {
        u->is.closing = true; /* it takes no new streams */
        pool_unshare(u->env->pool, u);
    }
    if (kind == HTTP2_BAD)
        uplink_fail(u, e->reason, e->detail, NULL, now);
    else if (use != NULL)
        on_stream(use, kind, e, now);
}

/* It has no user, and takes none. */
static bool is_done(const struct uplink *u)
{
    return u->is.closing && u->first == NULL && u->phase != UPLINK_RETIRED;
}

static void tell_settings(struct uplink *u, struct moment now)
{
    for (struct uplink_use *use = u->first, *next; use != NULL; use = next) {
        next = use->next;
        if (use->events->on_settings != NULL)
            use->events->on_settings(use, now);
    }
}

void uplink_http2_in(struct uplink *u, struct span in, struct moment now)
{
    struct http2_event e;
    enum http2_kind kind = HTTP2_NONE;
    bool greeted = http2_is_greeted(u->link.h2);
    http2_set_now(u->link.h2, now.us);
    while (u->phase == UPLINK_OPEN && !u->link.broken && kind != HTTP2_BAD && (kind = http2_next(u->link.h2, &in, &e)) != HTTP2_MORE)
        on_event(u, kind, &e, now);
    if (!greeted && http2_is_greeted(u->link.h2))
        tell_settings(u, now);
    if (is_done(u))
        pool_retire(u->env->pool, u);
}

/* ---- a server that says nothing ---- */

/* A connection that died without a word, as behind a firewall that forgot it, is found long before the time for an answer is over. gRPC's servers end a connection
 * after a third PING within five minutes in which they sent no data. */
enum {
    SECOND_US = 1000 * 1000,
    QUIET_US = 20 * SECOND_US,
    PONG_US = 15 * SECOND_US,
    AGAIN_US = 301 * SECOND_US,
};

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t settings_deadline(const struct uplink *u)
{
    uint64_t since = http2_unacknowledged_us(u->link.h2);
    return since != UINT64_MAX ? since + u->dial.target->upstream->conf->handshake_ms * 1000 : UINT64_MAX;
}

static bool owes_pong(const struct uplink *u)
{
    return u->at.pinged_us > u->at.heard_us;
}

static uint64_t ping_deadline(const struct uplink *u)
{
    if (owes_pong(u))
        return u->at.pinged_us + PONG_US;
    uint64_t quiet = later(u->at.heard_us, u->at.since_us) + QUIET_US;
    return u->at.pinged_us != 0 ? later(quiet, u->at.pinged_us + AGAIN_US) : quiet;
}

uint64_t uplink_quiet_deadline_us(const struct uplink *u)
{
    if (u->link.h2 == NULL || u->phase != UPLINK_OPEN)
        return UINT64_MAX;
    uint64_t settings = settings_deadline(u), ping = ping_deadline(u);
    return settings < ping ? settings : ping;
}

void uplink_on_quiet(struct uplink *u, struct moment now)
{
    run_touch(&u->link);
    http2_set_now(u->link.h2, now.us);
    if (settings_deadline(u) <= now.us) {
        http2_settings_late(u->link.h2);
        uplink_fail(u, REASON_UPSTREAM_PROTOCOL, "the upstream did not acknowledge the SETTINGS of HTTP/2 in time", NULL, now);
    } else if (!owes_pong(u) || link_pending(&u->link) > 0) { /* what waits includes the question */
        u->at.pinged_us = now.us;
        http2_ping(u->link.h2);
    } else {
        uplink_fail(u, REASON_UPSTREAM_CLOSED, "the upstream fell silent: it did not answer a PING of HTTP/2 within 15s", NULL, now);
    }
}

void uplink_http2_continue(struct uplink *u, struct moment now)
{
    for (struct http2_stream *s; (s = http2_next_writable(u->link.h2)) != NULL;) {
        struct uplink_use *use = http2_user(s);
        if (use != NULL)
            use->events->on_sent(use, 0, now);
    }
}
