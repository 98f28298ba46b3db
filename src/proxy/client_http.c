/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a client's requests, one after the other. */
#include "exchange_internal.h"

/* A request may be read on while the upstream can take its body, or when a new one may begin. A client that does not read the answers which
 * are ours alone is not read either. */
bool client_http_may_read(const struct client *c)
{
    const struct exchange *x = c->exchanges.first;
    if (c->phase != CLIENT_OPEN)
        return false;
    return x == NULL ? link_pending(&c->link) < OUTPUT_MARK : x->phase == EXCHANGE_ACTIVE && !x->asked.whole;
}

/* ---- events ---- */

static struct exchange *begin(struct client *c, const struct http_head *head, struct moment now)
{
    struct span none = span_of(NULL, 0);
    struct exchange *x = head != NULL ? exchange_new(c, head->method, head->target, exchange_location_host(c->listener, head), now)
                                      : exchange_new(c, none, none, none, now);
    if (x == NULL)
        return NULL;
    x->at.begun_us = head != NULL && c->at.head_us != 0 ? c->at.head_us : now.us;
    c->at.head_us = 0;
    return x;
}

/* The rest of *in is behind the head. */
static void on_head(struct client *c, struct span *in, struct moment now)
{
    struct span nothing;
    struct exchange *x = begin(c, http1_head(c->http), now);
    if (x == NULL)
        return;
    exchange_request_head(x, http1_head(c->http), now);
    if (c->exchanges.first == x && x->asked.whole && c->http != NULL)
        http1_next(c->http, in, &nothing); /* a request without a body ends with its head */
}

static void on_bad(struct client *c, struct moment now)
{
    c->is.close_after = true;
    struct exchange *x = c->exchanges.first != NULL ? c->exchanges.first : begin(c, NULL, now);
    if (x == NULL)
        return;
    x->asked.whole = false;
    if (http1_is_h2(c->http))
        exchange_answer_h2(x, http1_detail(c->http), now);
    else
        exchange_answer(x, http1_reason(c->http), http1_detail(c->http), now);
}

static void on_end(struct client *c, struct moment now)
{
    struct exchange *x = c->exchanges.first;
    if (x != NULL && !x->asked.whole) /* else it was answered at its head */
        exchange_request_end(x, now);
}

static void on_more(struct client *c, struct moment now)
{
    if (c->exchanges.first == NULL && c->at.head_us == 0 && !http1_is_idle(c->http))
        c->at.head_us = now.us;
}

/* False: nothing more can be read now. */
static bool on_event(struct client *c, enum http1_event event, struct span *in, struct span data, struct moment now)
{
    switch (event) {
    case HTTP1_MORE:
        on_more(c, now);
        return false;
    case HTTP1_HEAD:
        on_head(c, in, now);
        return true;
    case HTTP1_DATA:
        exchange_request_data(c->exchanges.first, data, now);
        return true;
    case HTTP1_TRAILERS:
        exchange_request_trailers(c->exchanges.first, http1_head(c->http), now);
        return true;
    case HTTP1_END:
        on_end(c, now);
        return true;
    default:
        on_bad(c, now);
        return false;
    }
}

void client_http_in(struct client *c, struct span in, struct moment now)
{
    struct span data = span_of(NULL, 0);
    bool bad = false;
    while (!c->link.broken && client_http_may_read(c)) {
        enum http1_event event = http1_next(c->http, &in, &data);
        bad = event == HTTP1_BAD;
        if (!on_event(c, event, &in, data, now))
            break;
    }
    if (in.len > 0 && !bad && c->phase != CLIENT_LINGER && c->phase != CLIENT_DONE)
        client_hold(c, in);
}

static void closed_between(struct client *c, struct moment now)
{
    client_linger(c, now);
    if (link_pending(&c->link) == 0 && c->link.tls == NULL)
        client_finish(c, now);
}

/* The rest of these streams cannot come from the client (security B7). */
static void cut_unfinished(struct client *c, struct moment now)
{
    for (struct exchange *x = c->exchanges.first, *next; x != NULL; x = next) {
        next = x->next;
        if (x->raw ? x->down.ended : x->asked.whole)
            continue;
        exchange_report(x, REASON_CLIENT_CLOSED, x->raw ? "the client closed the connection" : "the client closed in the middle of a request", now);
        exchange_finish(x, false, now);
    }
}

void client_http_ended(struct client *c, struct moment now)
{
    if (c->held.len > 0)
        return; /* requests may stand there; client_continue comes back here when they were read */
    c->is.close_after = true;
    if (client_is_between(c)) {
        closed_between(c, now);
        return;
    }
    if (c->link.h2 != NULL) {
        cut_unfinished(c, now);
        return; /* the others wait for our answers */
    }
    struct exchange *x = c->exchanges.first;
    if (x != NULL && x->asked.whole)
        return; /* it waits for our answer with its own direction shut */
    if (x == NULL && (x = begin(c, NULL, now)) == NULL)
        return;
    exchange_report(x, REASON_CLIENT_CLOSED, "the client closed in the middle of a request", now);
    c->is.reset = true;
    client_finish(c, now);
}

/* ---- the end of an exchange ---- */

void client_exchange_over(struct client *c, const struct exchange *x, bool complete, struct moment now)
{
    if (c->link.h2 != NULL) {
        c->at.since_us = now.us; /* what was cut was reset */
        run_touch(&c->link);
        return;
    }
    if (!complete) {
        /* The bytes sent so far reach the client, but no end that would make them look whole (security B7). */
        c->is.reset = true;
        client_finish(c, now);
    } else if (c->is.close_after || !x->asked.whole || c->env->draining || (c->is.ended && c->held.len == 0)) {
        client_linger(c, now);
        if (c->is.ended && link_pending(&c->link) == 0 && c->link.tls == NULL)
            client_enter(c, CLIENT_DONE, now);
    } else {
        client_enter(c, CLIENT_OPEN, now);
    }
}

void client_sweep(struct client *c)
{
    for (struct exchange *x; (x = c->exchanges.over) != NULL;) {
        c->exchanges.over = x->next;
        exchange_free(x);
    }
}
