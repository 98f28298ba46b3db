/* SPDX-License-Identifier: Apache-2.0 */
/* What an upstream says in HTTP/2: the events of each stream go to the user that opened it (RFC 9113). */
#include "uplink_internal.h"

#include "mtlsd/proxy/pool.h"

#include <string.h>

/* By ALPN with TLS, by the configuration without. */
void uplink_agree(struct uplink *u)
{
    static const struct http2_limits limits = {.max_head_bytes = UPLINK_HEAD_MAX, .max_fields = UPLINK_FIELDS_MAX};
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

void uplink_http2_continue(struct uplink *u, struct moment now)
{
    for (struct http2_stream *s; (s = http2_next_writable(u->link.h2)) != NULL;) {
        struct uplink_use *use = http2_user(s);
        if (use != NULL)
            use->events->on_sent(use, 0, now);
    }
}
