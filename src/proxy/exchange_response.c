/* SPDX-License-Identifier: Apache-2.0 */
/* From the upstream's answer to the client's: heads are written again and bodies framed for the client. At the end both connections are kept or
 * closed. */
#include "exchange_internal.h"

#include "mtlsd/http/http_guard.h"
#include "mtlsd/http/http_keep_alive.h"
#include "mtlsd/http/http_trailers.h"
#include "mtlsd/http/http_upgrade.h"

enum { HEAD_OUT_MAX = 512 * 1024, INTERIMS_MAX = 100, SWITCHING_PROTOCOLS = 101, SECOND_US = 1000 * 1000 };

static bool passes_unframed(const struct exchange *x, const struct http_head *head)
{
    return x->rq->minor == 0 && (head->framing == HTTP_CHUNKED || head->framing == HTTP_UNTIL_CLOSE);
}

static enum http_framing response_framing(const struct exchange *x, const struct http_head *head)
{
    if (head->framing == HTTP_NO_BODY || head->framing == HTTP_LENGTH)
        return head->framing;
    return passes_unframed(x, head) ? HTTP_UNTIL_CLOSE : HTTP_CHUNKED;
}

static void on_interim(struct exchange *x, const struct http_head *head, struct moment now)
{
    if (++x->rq->interims > INTERIMS_MAX) {
        exchange_upstream_failed(x, REASON_UPSTREAM_PROTOCOL, "the upstream sends too many interim answers", now);
        return;
    }
    if (x->rq->minor == 0)
        return; /* HTTP/1.0 knows no interim responses (RFC 9110 section 15.2) */
    struct bytes out;
    bytes_init(&out, HEAD_OUT_MAX);
    struct http_outgoing how = {.head = head, .framing = HTTP_NO_BODY};
    if (http_guard_write_head(&out, &how) != 0)
        x->down.broken = true;
    link_write_copy(&x->down, bytes_span(&out));
    bytes_clear(&out);
}

/* What Date says now. */
static struct span date_now(struct exchange_env *env, int64_t utc)
{
    if (env->date_of != utc || env->date[0] == '\0')
        http_date_format(env->date, utc);
    env->date_of = utc;
    return span_of(env->date, HTTP_DATE_SIZE - 1);
}

static void write_response_head(struct exchange *x, const struct http_head *head, struct moment now)
{
    struct bytes out, added;
    struct exchange_locations locations;
    bytes_init(&out, HEAD_OUT_MAX);
    bytes_init(&added, HEAD_OUT_MAX);
    bool lost = exchange_location_rewrite(x, head, &locations) != 0 || exchange_session_field(x, &added) != 0;
    x->rq->trailers_down = http_trailers_may_pass(head, x->rq->wants_trailers);
    struct http_outgoing how = {
        .head = head,
        .trailers = x->rq->trailers_down,
        .added = bytes_span(&added),
        .replaced = locations.fields,
        .n_replaced = locations.n,
        .date = date_now(x->env, now.utc),
        .via = exchange_http_via(x, head),
        .upgrade = http_upgrade_wanted(head),
        .framing = response_framing(x, head),
        .length = head->length,
        .close = x->close_after && head->status != SWITCHING_PROTOCOLS,
        .keep_alive = x->rq->minor == 0 && !x->close_after,
    };
    x->rq->chunk_response = how.framing == HTTP_CHUNKED;
    if (lost || http_guard_write_head(&out, &how) != 0)
        x->down.broken = true;
    link_write_take(&x->down, &out);
    bytes_clear(&added);
    exchange_location_clear(&locations);
}

/* The server's time began before its answer was here, and a request takes time to get there: the last second is not used. */
static void note_keep_alive(struct uplink *u, const struct http_head *head)
{
    uint32_t seconds = http_keep_alive_seconds(head);
    if (seconds != HTTP_KEEP_ALIVE_UNSAID)
        u->keep_us = seconds > 1 ? (uint64_t)(seconds - 1) * SECOND_US : 0;
}

static void on_response_head(struct exchange *x, struct moment now)
{
    const struct http_head *head = http1_head(x->up->http);
    if (x->rq->first_byte_us == 0) {
        x->rq->first_byte_us = now.us;
        balancer_worked(x->env->balancer, x->target);
    }
    if (head->status < 200 && head->status != SWITCHING_PROTOCOLS) {
        on_interim(x, head, now);
        return;
    }
    /* After an answer before the end of the request, unread bytes remain: both connections end after it. */
    if (!x->rq->whole || !x->rq->keep_alive || x->env->draining || passes_unframed(x, head))
        x->close_after = true;
    note_keep_alive(x->up, head);
    write_response_head(x, head, now);
    x->rq->answered = true;
    x->rq->status = head->status;
    bytes_clear(&x->rq->head);
}

static bool is_quiet(const struct link *l)
{
    return l->tls == NULL || !(tls_engine_flags(l->tls) & (TLS_HAS_APP | TLS_CLOSED));
}

static bool may_pool(const struct exchange *x, bool keep_alive, bool bytes_left)
{
    const struct uplink *u = x->up;
    bool names_client = u->target->upstream->conf->send_proxy_protocol != CONFIG_PROXY_PROTOCOL_NONE; /* it belongs to that client alone */
    return !names_client && is_quiet(&u->link) && keep_alive && !bytes_left && x->rq->whole && !x->eof[SIDE_UP] && link_is_open(&u->link) && link_pending(&u->link) == 0;
}

/* The client said that it asks nothing more, and without a body to end it has nothing else to say: no byte will come that makes its system drop
 * the answer unread (RFC 9112 section 9.6), so that its own end need not be waited for. With TLS its goodbye is due. */
static bool says_no_more(const struct exchange *x)
{
    const struct request *rq = x->rq;
    return rq->whole && !rq->keep_alive && rq->bytes_in == 0 && !rq->chunked && x->held[SIDE_DOWN].len == 0 && x->down.tls == NULL;
}

static void end_of_exchange(struct exchange *x, struct moment now)
{
    bool whole = x->rq->whole;
    x->eof[SIDE_DOWN] = x->eof[SIDE_DOWN] || says_no_more(x);
    exchange_forget_request(x);
    if (x->close_after || !whole || x->env->draining || (x->eof[SIDE_DOWN] && x->held[SIDE_DOWN].len == 0)) {
        link_end(&x->down);
        exchange_enter(x, PHASE_LINGER, now);
        if (x->eof[SIDE_DOWN] && link_pending(&x->down) == 0 && x->down.tls == NULL)
            exchange_enter(x, PHASE_DONE, now);
    } else {
        exchange_enter(x, PHASE_IDLE, now);
    }
}

static void on_response_end(struct exchange *x, bool keep_alive, bool bytes_left, struct moment now)
{
    if (x->rq->chunk_response)
        exchange_http_pass_end(&x->down, NULL, NULL);
    exchange_report(x, REASON_VALID, "", now);
    if (may_pool(x, keep_alive, bytes_left)) {
        pool_put(x->env->pool, x->up, now.us);
        x->up = NULL;
    } else {
        exchange_drop_uplink(x);
    }
    end_of_exchange(x, now);
}

static const char h2_hint[] = "let the server speak HTTP/1.1 on this port, or pass HTTP/2 unread with protocol = \"tcp\" of the listener";

/* Whatever this answers, it is not our request (security C4). */
static void spoke_unasked(struct exchange *x, struct span in, struct moment now)
{
    bool h2 = http1_opens_as_h2(in);
    x->hint = h2 ? h2_hint : NULL;
    exchange_upstream_failed(x, REASON_UPSTREAM_PROTOCOL, h2 ? HTTP1_H2_ANSWER : "the upstream answered before the request was sent", now);
}

void exchange_response_in(struct exchange *x, struct span in, struct moment now)
{
    struct span data;
    if (x->up != NULL && x->phase == PHASE_ACTIVE && !x->rq->sent) {
        spoke_unasked(x, in, now);
        return;
    }
    x->rq->spoke = x->rq->spoke || in.len > 0;
    while (x->up != NULL && x->phase == PHASE_ACTIVE) {
        switch (http1_next(x->up->http, &in, &data)) {
        case HTTP1_MORE:
            return;
        case HTTP1_HEAD:
            x->up_keep_alive = http1_head(x->up->http)->keep_alive;
            on_response_head(x, now);
            break;
        case HTTP1_DATA:
            x->rq->bytes_out += data.len;
            exchange_http_pass(&x->down, x->rq->chunk_response, data);
            break;
        case HTTP1_TRAILERS:
            if (x->rq->chunk_response)
                exchange_http_pass_end(&x->down, x->rq->trailers_down ? http1_head(x->up->http) : NULL, NULL);
            x->rq->chunk_response = false;
            break;
        case HTTP1_UPGRADED:
            exchange_tunnel_begin(x, in, now);
            return;
        case HTTP1_END:
            if (x->rq->answered) /* an interim response ends without ending the exchange */
                on_response_end(x, x->up_keep_alive, in.len > 0, now);
            break;
        default:
            if (http1_is_h2(x->up->http))
                x->hint = h2_hint;
            exchange_upstream_failed(x, http1_reason(x->up->http), http1_detail(x->up->http), now);
            return;
        }
    }
}

void exchange_response_ended(struct exchange *x, struct moment now)
{
    if (x->up == NULL || x->phase != PHASE_ACTIVE)
        return;
    enum http1_event event = http1_eof(x->up->http);
    if (event == HTTP1_END && x->rq->answered) {
        on_response_end(x, false, false, now);
        return;
    }
    bool began = !http1_is_idle(x->up->http) || x->rq->answered;
    exchange_upstream_failed(x, began ? REASON_TRUNCATED : REASON_UPSTREAM_CLOSED,
                             began ? "the upstream closed in the middle of its answer" : "the upstream closed without an answer", now);
}
