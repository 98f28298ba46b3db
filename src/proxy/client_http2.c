/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a client's requests from the streams of HTTP/2, and decides which version of HTTP it speaks. */
#include "exchange_internal.h"

#include <string.h>

/* Bytes to read of a client behind our last word, before its connection is reset: more than the windows and some frames, which may be on their way. A client that
 * floods has few frames and its running uploads (security C6). */
enum { LINGER_BYTES = 2 * 1024 * 1024, LINGER_FLOOD_BYTES = 128 * 1024, UPLOAD_BYTES = 256 * 1024, UPLOADS_BYTES = 1024 * 1024 };

/*
 * How fast requests of a connection go upstream (security C6). Each one that an upstream has served allows for two more, so a client that asks and reads is
 * never held. Of those that nothing earned some go at once, and the others one after the other; those that need a connection of their own count for more. A client
 * whose connections are cut for a flood, and that comes again each time, so begins few requests on each. All of a hundred long ones have begun after 42 ms, or
 * after 192 ms on as many connections.
 */
enum { BEGIN_AT_ONCE = 16, BEGIN_EACH_US = 500, CONNECT_EACH_US = 2000, EARN_EACH = 2, EARN_MOST = 100 };

/* ---- which version ---- */

static void begin_http1(struct client *c)
{
    const struct config_listener *conf = c->listener->conf;
    c->http = http1_new(true, (size_t)conf->max_header_bytes, conf->max_headers);
    c->link.broken = c->link.broken || c->http == NULL;
}

static void begin_http2(struct client *c, struct moment now)
{
    const struct config_listener *conf = c->listener->conf;
    const struct http2_limits limits = {.max_head_bytes = (size_t)conf->max_header_bytes,
                                        .max_fields = conf->max_headers,
                                        .extended_connect = true,
                                        .blocks = &c->env->blocks,
                                        .streams = &c->env->streams};
    c->link.h2 = http2_new(HTTP2_SERVER, &limits);
    c->link.broken = c->link.broken || c->link.h2 == NULL;
    run_touch(&c->link);
    if (c->is.close_after && c->link.h2 != NULL)
        client_http2_shutdown(c, now); /* it was told to finish before it had begun */
}

/* By ALPN with TLS, and by the first bytes without (RFC 9113 section 3.4). */
void client_http_begin(struct client *c, struct moment now)
{
    const char *agreed = c->link.tls != NULL ? tls_engine_alpn(c->link.tls) : NULL;
    if (agreed != NULL && strcmp(agreed, HTTP2_ALPN) == 0)
        begin_http2(c, now);
    else
        begin_http1(c);
    c->is.fresh = c->link.tls == NULL;
}

void client_http_first(struct client *c, struct span in, struct moment now)
{
    struct bytes first;
    if (!client_hold(c, in))
        return;
    enum http2_preface begins = http2_sniff(bytes_span(&c->held));
    if (begins == HTTP2_PREFACE_MAYBE) {
        c->at.head_us = c->at.head_us != 0 ? c->at.head_us : now.us;
        return;
    }
    c->is.fresh = false;
    if (begins == HTTP2_PREFACE_YES) {
        http1_free(c->http);
        c->http = NULL;
        begin_http2(c, now);
    }
    bytes_init(&first, c->held.max);
    bytes_take(&c->held, &first);
    client_deliver(c, bytes_span(&first), now);
    link_settle_all(&c->env->run); /* the borrowed bytes end with this block */
    bytes_clear(&first);
}

/* ---- events ---- */

static struct exchange *begin(struct client *c, const struct http2_event *e, const struct http_head *head, struct moment now)
{
    struct span none = span_of(NULL, 0);
    struct exchange *x = head != NULL ? exchange_new(c, head->method, head->target,
                                                     exchange_location_host(c->listener, head), now)
                                      : exchange_new(c, none, none, none, now);
    if (x == NULL)
        return NULL;
    x->at.begun_us = now.us;
    x->asked.http2 = true;
    x->asked.minor = 1;
    x->down.stream = e->stream;
    http2_set_user(e->stream, x);
    c->at.head_us = 0;
    return x;
}

static struct exchange *on_head(struct client *c, const struct http2_event *e, struct moment now)
{
    struct http_head head = *e->head;
    const char *why = NULL;
    enum reason reason = exchange_websocket_read(&head, &why);
    struct exchange *x = begin(c, e, &head, now);
    if (x != NULL && reason == REASON_VALID)
        exchange_request_head(x, &head, now);
    else if (x != NULL)
        exchange_answer(x, reason, why, now);
    return x;
}

static struct exchange *exchange_on(const struct http2_event *e)
{
    return e->stream != NULL ? http2_user(e->stream) : NULL;
}

static void on_reset(struct exchange *x, const struct http2_event *e, struct moment now)
{
    exchange_report(x, REASON_CLIENT_CLOSED,
                    e->code == HTTP2_CANCEL ? "the client cancelled the request"
                                            : "the client reset the request's stream",
                    now);
    exchange_finish(x, false, now);
}

/* The codec refuses what came on a stream. */
static void on_refused(struct client *c, const struct http2_event *e, struct moment now)
{
    struct exchange *x = exchange_on(e);
    if (x == NULL && e->stream != NULL)
        x = begin(c, e, NULL, now);
    if (x == NULL)
        return;
    if (e->may_answer) {
        exchange_answer(x, e->reason, e->detail, now);
        return;
    }
    exchange_report(x, e->reason, e->detail, now);
    exchange_finish(x, false, now);
}

/* Bytes that the running uploads may have on their way, by our windows (http2_limits.h). */
static uint64_t upload_bytes(const struct client *c)
{
    uint64_t n = 0;
    for (const struct exchange *x = c->exchanges.first; x != NULL && n < UPLOADS_BYTES; x = x->next)
        n += x->asked.whole ? 0 : UPLOAD_BYTES;
    return n;
}

void client_http2_broken(struct client *c, enum reason reason, const char *detail, const char *hint, struct moment now)
{
    if (reason == REASON_CLIENT_FLOODED)
        c->at.dropped = LINGER_BYTES - LINGER_FLOOD_BYTES - upload_bytes(c);
    for (struct exchange *x; (x = c->exchanges.first) != NULL;) {
        exchange_report(x, reason, detail, now);
        exchange_finish(x, false, now);
    }
    client_report(c, reason, detail, hint, now);
    client_linger(c, now);
}

void client_http2_shutdown(struct client *c, struct moment now)
{
    http2_set_now(c->link.h2, now.us);
    http2_shutdown(c->link.h2);
    run_touch(&c->link);
}

void client_take_no_more(struct client *c)
{
    if (c->link.h2 == NULL || c->is.last)
        return;
    c->is.last = true;
    http2_shutdown(c->link.h2);
    run_touch(&c->link);
}

/* Nothing was done for it: the client may send it again, on another connection (RFC 9113 section 8.7). */
static void send_away(struct client *c, struct http2_stream *s)
{
    http2_reset(c->link.h2, s, HTTP2_REFUSED_STREAM);
    http2_release(c->link.h2, s);
}

static void on_event(struct client *c, enum http2_kind kind, const struct http2_event *e, struct moment now)
{
    struct exchange *x = exchange_on(e);
    if (kind == HTTP2_HEAD && c->is.last)
        send_away(c, e->stream);
    else if (kind == HTTP2_HEAD)
        x = on_head(c, e, now);
    else if (kind == HTTP2_REFUSED)
        on_refused(c, e, now);
    else if (kind == HTTP2_BAD)
        client_http2_broken(c, e->reason, e->detail, NULL, now);
    if (x == NULL || x->phase == EXCHANGE_OVER)
        return;
    if (x->asked.upgrade && kind == HTTP2_DATA)
        exchange_websocket_in(x, e->data, now);
    else if (x->asked.upgrade && kind == HTTP2_END)
        exchange_websocket_ended(x, now);
    else if (kind == HTTP2_DATA)
        exchange_request_data(x, e->data, now);
    else if (kind == HTTP2_TRAILERS && !x->asked.upgrade)
        exchange_request_trailers(x, e->head, now);
    else if (kind == HTTP2_END && !x->asked.whole)
        exchange_request_end(x, now);
    else if (kind == HTTP2_RESET)
        on_reset(x, e, now);
}

void client_http2_in(struct client *c, struct span in, struct moment now)
{
    struct http2_event e;
    enum http2_kind kind;
    http2_set_now(c->link.h2, now.us);
    run_touch(&c->link);
    while (c->phase == CLIENT_OPEN && !c->link.broken &&
           (kind = http2_next(c->link.h2, &in, &e)) != HTTP2_MORE)
        on_event(c, kind, &e, now);
    if (http2_is_between(c->link.h2))
        c->at.head_us = 0;
    else if (c->exchanges.first == NULL && c->at.head_us == 0)
        c->at.head_us = now.us; /* a part of a frame */
}

/* The newest come first in the client's list, and are few. */
static struct exchange *oldest_postponed(const struct client *c)
{
    struct exchange *oldest = NULL;
    unsigned n = c->exchanges.n_postponed;
    for (struct exchange *x = c->exchanges.first; n > 0; x = x->next)
        if (x->tries.postponed) {
            oldest = x;
            n--;
        }
    return oldest;
}

void client_http2_earn(struct client *c)
{
    unsigned n = c->exchanges.n_earned + EARN_EACH;
    c->exchanges.n_earned = n < EARN_MOST ? n : EARN_MOST;
}

uint64_t client_http2_begins_us(const struct client *c)
{
    const struct client_exchanges *all = &c->exchanges;
    const uint64_t ahead_us = (BEGIN_AT_ONCE - 1) * BEGIN_EACH_US;
    if (all->n_postponed == 0)
        return UINT64_MAX;
    return all->n_earned > 0 || all->paced_us < ahead_us ? 0 : all->paced_us - ahead_us;
}

static void begin_next(struct client *c, struct moment now)
{
    struct client_exchanges *all = &c->exchanges;
    struct exchange *x = oldest_postponed(c);
    bool earned = all->n_earned > 0;
    exchange_request_begin(x, now);
    const struct uplink *u = x->use.uplink;
    bool connects = x->phase == EXCHANGE_WAITING && u != NULL && u->n_users == 1;
    if (earned)
        all->n_earned--;
    else
        all->paced_us = (all->paced_us > now.us ? all->paced_us : now.us) + (connects ? CONNECT_EACH_US : BEGIN_EACH_US);
}

void client_http2_continue(struct client *c, struct moment now)
{
    http2_set_now(c->link.h2, now.us);
    while (client_http2_begins_us(c) <= now.us)
        begin_next(c, now);
    for (struct http2_stream *s; (s = http2_next_writable(c->link.h2)) != NULL;) {
        struct exchange *x = http2_user(s);
        if (x != NULL && x->use.uplink != NULL)
            run_touch(&x->use.uplink->link); /* it may be read on */
    }
    bool ends = http2_wants_close(c->link.h2) || c->is.last || (c->is.ended && c->exchanges.first == NULL);
    if (!ends || c->phase != CLIENT_OPEN || c->exchanges.first != NULL || http2_streams(c->link.h2) > 0)
        return;
    if (!c->is.ended)
        http2_shutdown_now(c->link.h2); /* what is on its way is not looked at, and it can know */
    client_linger(c, now);
}

bool client_http2_floods(struct client *c, size_t n)
{
    c->at.dropped += n;
    return c->link.h2 != NULL && c->at.dropped > LINGER_BYTES;
}
