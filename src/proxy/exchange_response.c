/* SPDX-License-Identifier: Apache-2.0 */
/* From the upstream's answer to the client's: heads are written again and bodies framed for the client. At the end both connections are kept or
 * closed. */
#include "exchange_internal.h"

#include "mtlsd/http/http_keep_alive.h"
#include "mtlsd/http/http_trailers.h"
#include "mtlsd/http/http_upgrade.h"
#include "mtlsd/policy/reason.h"

#include <stdlib.h>

enum { FIELDS_MAX = 64 * 1024, INTERIMS_MAX = 100, SWITCHING_PROTOCOLS = 101, SECOND_US = 1000 * 1000 };

/* ---- its head ---- */

static bool passes_unframed(const struct exchange *x, const struct http_head *head)
{
    return x->asked.minor == 0 && (head->framing == HTTP_CHUNKED || head->framing == HTTP_UNTIL_CLOSE);
}

static enum http_framing response_framing(const struct exchange *x, const struct http_head *head)
{
    if (head->framing == HTTP_NO_BODY || head->framing == HTTP_LENGTH)
        return head->framing;
    return passes_unframed(x, head) ? HTTP_UNTIL_CLOSE : HTTP_CHUNKED;
}

/* HTTP/2 has no phrase, and some clients of HTTP/1.1 take no status line without one. */
static const struct http_head *with_phrase(const struct http_head *head, struct http_head *room)
{
    if (!head->http2 || head->phrase.len > 0)
        return head;
    *room = *head;
    room->phrase = span_from_str(reason_http_phrase(head->status));
    return room;
}

/* Its head was not written. The other streams of a client of HTTP/2 go on. */
static void head_is_lost(struct exchange *x, bool too_large, struct moment now)
{
    if (x->down.stream == NULL) {
        x->client->link.broken = true;
    } else if (too_large) {
        x->answer.hint = "let the client take larger heads (SETTINGS_MAX_HEADER_LIST_SIZE), or the backend send less";
        exchange_answer(x, REASON_UPSTREAM_PROTOCOL, "the head of the answer is larger than the client takes", now);
    } else {
        exchange_report(x, REASON_INTERNAL, "out of memory", now);
        exchange_finish(x, false, now);
    }
}

static void on_interim(struct exchange *x, const struct http_head *head, struct moment now)
{
    x->tries.spoke = true; /* security C10 */
    if (++x->answer.interims > INTERIMS_MAX) {
        exchange_upstream_failed(x, REASON_UPSTREAM_PROTOCOL, "the upstream sends too many interim answers", now);
        return;
    }
    if (x->asked.minor == 0)
        return; /* HTTP/1.0 knows no interim responses (RFC 9110 section 15.2) */
    struct http_head room;
    struct http_outgoing how = {.head = with_phrase(head, &room), .framing = HTTP_NO_BODY};
    if (flow_head(&x->down, &how, NULL) != 0 && !flow_head_was_too_large(&x->down)) /* the final one may fit */
        head_is_lost(x, false, now);
}

/* The value of Date now. */
static struct span date_now(struct proxy_env *env, int64_t utc)
{
    if (env->date_of != utc || env->date[0] == '\0')
        http_date_format(env->date, utc);
    env->date_of = utc;
    return span_of(env->date, HTTP_DATE_SIZE - 1);
}

static void write_head(struct exchange *x, const struct http_head *head, enum http_framing framing, struct moment now)
{
    struct bytes added;
    struct exchange_locations locations;
    struct client *c = x->client;
    struct http_head room;
    bytes_init(&added, FIELDS_MAX);
    bool lost = exchange_location_rewrite(x, head, &locations) != 0 || exchange_session_field(x, &added) != 0;
    x->answer.trailers = http_trailers_may_pass(head, x->asked.wants_trailers);
    struct http_outgoing how = {
        .head = with_phrase(head, &room),
        .trailers = x->answer.trailers,
        .added = bytes_span(&added),
        .replaced = locations.fields,
        .n_replaced = locations.n,
        .date = date_now(c->env, now.utc),
        .via = exchange_via(x, head),
        .upgrade = head->status == SWITCHING_PROTOCOLS ? span_from_str("websocket") : span_of(NULL, 0),
        .framing = framing,
        .length = head->length,
        .blocks = &c->env->blocks,
        .close = c->is.close_after && head->status != SWITCHING_PROTOCOLS,
        .keep_alive = x->asked.minor == 0 && !c->is.close_after,
    };
    if (lost || flow_head(&x->down, &how, NULL) != 0)
        head_is_lost(x, !lost && flow_head_was_too_large(&x->down), now);
    bytes_clear(&added);
    exchange_location_clear(&locations);
}

/* The upstream agreed to a WebSocket: so does the answer, in the words of the client's version. */
static void write_switch(struct exchange *x, const struct http_head *head, struct moment now)
{
    struct exchange_websocket_answer answer;
    int rc = exchange_websocket_answer(x, head, &answer);
    x->answer.status = answer.head.status;
    if (rc != 0)
        head_is_lost(x, false, now);
    else
        write_head(x, &answer.head, x->asked.http2 ? HTTP_CHUNKED : HTTP_NO_BODY, now);
    free(answer.fields);
    if (x->phase != EXCHANGE_OVER)
        flow_data_copy(&x->up, bytes_span(&x->kept.body)); /* what came early */
}

/* The server's time began before its answer was here, and a request takes time to get there: the last second is not used. */
static void note_keep_alive(struct uplink *u, const struct http_head *head)
{
    uint32_t seconds = http_keep_alive_seconds(head);
    if (seconds != HTTP_KEEP_ALIVE_UNSAID)
        u->pooled.keep_us = seconds > 1 ? (uint64_t)(seconds - 1) * SECOND_US : 0;
}

static void on_head(struct uplink_use *use, const struct http_head *head, struct moment now)
{
    struct exchange *x = exchange_of(use);
    struct client *c = x->client;
    if (x->at.first_byte_us == 0) {
        x->at.first_byte_us = now.us;
        balancer_worked(c->env->balancer, x->way.target);
    }
    if (head->status < 200 && head->status != SWITCHING_PROTOCOLS) {
        on_interim(x, head, now);
        return;
    }
    const char *why = exchange_websocket_refusal(x, head);
    if (why != NULL) {
        exchange_upstream_failed(x, REASON_UPSTREAM_PROTOCOL, why, now);
        return;
    }
    /* After an answer before the end of the request, unread bytes remain: both connections end after it. */
    if (!x->asked.whole || !x->asked.keep_alive || c->env->draining || passes_unframed(x, head))
        exchange_is_last(x);
    note_keep_alive(use->uplink, head);
    bool begins = exchange_websocket_begins(x, head);
    x->answer.status = head->status;
    if (begins)
        write_switch(x, head, now);
    else
        write_head(x, head, response_framing(x, head), now);
    if (x->phase == EXCHANGE_OVER)
        return;
    x->answer.answered = true;
    exchange_request_forget(x);
    if (begins && x->up.stream != NULL)
        exchange_tunnel_begin(x, span_of(NULL, 0), now);
}

/* ---- its body ---- */

static void on_data(struct uplink_use *use, struct span data, struct moment now)
{
    struct exchange *x = exchange_of(use);
    if (x->rare.join != NULL) {
        exchange_join_pass(x, false, data, now);
        return;
    }
    x->bytes.out += data.len;
    x->bytes.owed_up += data.len;
    flow_data(&x->down, data);
}

static void on_trailers(struct uplink_use *use, const struct http_head *head, struct moment now)
{
    (void)now;
    struct exchange *x = exchange_of(use);
    if (!x->raw)
        flow_end(&x->down, x->answer.trailers ? head : NULL, NULL);
}

/* ---- its end ---- */

static bool is_quiet(const struct link *l)
{
    return l->tls == NULL || !(tls_engine_flags(l->tls) & (TLS_HAS_APP | TLS_CLOSED));
}

static bool may_pool(const struct exchange *x, bool reusable)
{
    const struct uplink *u = x->use.uplink;
    bool names_client = u->target->upstream->conf->send_proxy_protocol != CONFIG_PROXY_PROTOCOL_NONE; /* it belongs to that client alone */
    return !names_client && is_quiet(&u->link) && reusable && x->asked.whole && !u->is.ended && link_is_open(&u->link) && link_pending(&u->link) == 0;
}

/* The client said that it asks nothing more, and without a body to end it has nothing else to say: no byte will come that makes its system drop
 * the answer unread (RFC 9112 section 9.6), so that its own end need not be waited for. With TLS its goodbye is due. */
static bool says_no_more(const struct exchange *x)
{
    const struct client *c = x->client;
    return x->asked.whole && !x->asked.keep_alive && x->bytes.in == 0 && !x->asked.chunked && c->held.len == 0 && c->link.tls == NULL;
}

static void on_response_end(struct exchange *x, bool reusable, struct moment now)
{
    struct uplink *u = x->use.uplink;
    flow_end(&x->down, NULL, NULL);
    exchange_report(x, REASON_VALID, "", now);
    x->client->is.ended = x->client->is.ended || says_no_more(x);
    if (u->link.h2 == NULL && may_pool(x, reusable)) {
        uplink_leave(&x->use);
        x->up.link = NULL;
        pool_put(x->client->env->pool, u, now.us);
    }
    exchange_finish(x, true, now);
}

static void on_end(struct uplink_use *use, bool reusable, struct moment now)
{
    struct exchange *x = exchange_of(use);
    x->up.ended = true;
    if (x->raw)
        exchange_raw_ended(x, now);
    else if (x->answer.answered) /* an interim response ends without ending the exchange */
        on_response_end(x, reusable, now);
    else if (use->uplink->is.ended)
        exchange_upstream_failed(x, REASON_TRUNCATED, "the upstream closed in the middle of its answer", now);
}

static void on_switched(struct uplink_use *use, struct span left, struct moment now)
{
    exchange_tunnel_begin(exchange_of(use), left, now);
}

/* ---- before it is taken apart ---- */

/* The bytes that wait on all streams of a client that opens no windows (security C6). */
static size_t all_pending(const struct client *c)
{
    size_t n = 0;
    for (const struct exchange *x = c->exchanges.first; x != NULL; x = x->next)
        n += flow_pending(&x->down);
    return n;
}

static bool takes(const struct uplink_use *use)
{
    enum { CONNECTION_MARK = 2 * 1024 * 1024 };
    const struct exchange *x = (const struct exchange *)use;
    size_t pending = flow_pending(&x->down);
    if (pending == 0 || !x->asked.http2)
        return pending < OUTPUT_MARK;
    return pending < OUTPUT_MARK && all_pending(x->client) < CONNECTION_MARK;
}

static void on_sent(struct uplink_use *use, size_t n, struct moment now)
{
    struct exchange *x = exchange_of(use);
    x->at.active_us = x->at.up_us = x->client->at.active_us = now.us;
    if (x->phase != EXCHANGE_ACTIVE)
        return;
    x->tries.sent = x->tries.sent || n > 0;
    if (link_made_room(&use->uplink->link, n, OUTPUT_MARK) && flow_pending(&x->up) < OUTPUT_MARK)
        run_touch(&x->client->link); /* it may be read on */
    if (x->raw)
        exchange_raw_ended(x, now);
}

/* Bytes that an upstream sends before it got a request are no answer to ours (security C4). */
static bool on_bytes(struct uplink_use *use, struct span in, struct moment now)
{
    struct exchange *x = exchange_of(use);
    x->at.active_us = x->at.up_us = x->client->at.active_us = now.us;
    run_touch(&x->client->link);
    if (x->phase != EXCHANGE_ACTIVE) {
        if (exchange_wants_greeting(x))
            exchange_greeting_in(x, in, now);
        return false;
    }
    if (!x->raw && !x->tries.sent) {
        bool h2 = http1_opens_as_h2(in);
        x->answer.hint = h2 ? uplink_http2_hint(use->uplink) : NULL;
        exchange_upstream_failed(x, REASON_UPSTREAM_PROTOCOL, h2 ? HTTP1_H2_ANSWER : "the upstream answered before the request was sent", now);
        return false;
    }
    x->tries.spoke = x->tries.spoke || in.len > 0;
    return true;
}

/* The client's timer is another one now. */
static void on_step(struct uplink_use *use)
{
    run_touch(&exchange_of(use)->client->link);
}

const struct uplink_events exchange_events = {
    .write_header = exchange_write_header,
    .on_greeting = exchange_on_greeting,
    .on_step = on_step,
    .on_open = exchange_on_open,
    .on_elsewhere = exchange_on_elsewhere,
    .on_settings = exchange_on_settings,
    .on_reset = exchange_on_reset,
    .on_failed = exchange_on_failed,
    .takes = takes,
    .on_sent = on_sent,
    .on_bytes = on_bytes,
    .on_head = on_head,
    .on_data = on_data,
    .on_trailers = on_trailers,
    .on_end = on_end,
    .on_switched = on_switched,
};
