/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_internal.h"

#include "mtlsd/http/http_head.h"

#include <stdlib.h>
#include <string.h>

enum { REPORTED_METHOD_MAX = 64, REPORTED_URI_MAX = 1024, TEXT_MAX = 512 * 1024, WAITING_BODY_MAX = 512 * 1024 /* a window of HTTP/2; with HTTP/1 nothing is read until it can be sent */ };

struct exchange *exchange_of(struct uplink_use *use)
{
    return (struct exchange *)use;
}

/* ---- life ---- */

static struct span cut(struct span s, size_t max)
{
    return span_of(s.ptr, s.len < max ? s.len : max);
}

static char *put(char *to, struct span s)
{
    if (s.len > 0)
        memcpy(to, s.ptr, s.len);
    return to + s.len;
}

static void join(struct client *c, struct exchange *x)
{
    x->next = c->exchanges.first;
    if (c->exchanges.first != NULL)
        c->exchanges.first->prev = x;
    c->exchanges.first = x;
}

struct exchange *exchange_new(struct client *c, struct span method, struct span uri, struct span host, struct moment now)
{
    method = cut(method, REPORTED_METHOD_MAX);
    uri = cut(uri, REPORTED_URI_MAX); /* only for the report; what is forwarded is never cut */
    struct exchange *x = block_cache_take(&c->env->blocks, sizeof(*x) + method.len + uri.len + host.len);
    if (x == NULL) {
        c->link.broken = true;
        run_touch(&c->link);
        return NULL;
    }
    *x = (struct exchange){.use = {.events = &exchange_events},
                           .client = c,
                           .listener = c->listener,
                           .down = flow_to(&c->link, NULL),
                           .len = {method.len, uri.len, host.len}};
    put(put(put(x->line, method), uri), host);
    bytes_init(&x->kept.text, TEXT_MAX);
    bytes_init(&x->kept.added, TEXT_MAX);
    bytes_init(&x->kept.body, WAITING_BODY_MAX);
    x->at.active_us = x->at.up_us = now.us;
    join(c, x);
    return x;
}

struct span exchange_line_host(const struct exchange *x)
{
    return span_of(x->line + x->len.method + x->len.uri, x->len.host);
}

void exchange_free(struct exchange *x)
{
    exchange_request_forget(x);
    free(x->rare.forward);
    exchange_join_clear(x);
    free(x->rare.asked);
    free(x->rare.agent);
    free(x->rare.id);
    free(x->rare.key);
    block_cache_give(&x->client->env->blocks, x, sizeof(*x) + x->len.method + x->len.uri + x->len.host);
}

void exchange_activate(struct exchange *x, struct moment now)
{
    x->phase = EXCHANGE_ACTIVE;
    x->tries.turn = x->client->env->run.n_turns;
    x->at.active_us = x->at.up_us = now.us;
    x->client->is.served = true;
    run_touch(&x->client->link);
}

void exchange_abandon(struct exchange *x)
{
    struct client *c = x->client;
    if (x->phase == EXCHANGE_OVER)
        return;
    x->client->exchanges.n_postponed -= x->tries.postponed;
    x->tries.postponed = false;
    exchange_leave_target(x);
    exchange_drop_uplink(x);
    flow_leave(&x->down, x->down.open);
    x->phase = EXCHANGE_OVER;
    *(x->prev != NULL ? &x->prev->next : &c->exchanges.first) = x->next;
    if (x->next != NULL)
        x->next->prev = x->prev;
    x->prev = NULL;
    x->next = c->exchanges.over;
    c->exchanges.over = x;
    run_touch(&c->link);
}

void exchange_is_last(struct exchange *x)
{
    if (!x->asked.http2)
        x->client->is.close_after = true;
}

void exchange_finish(struct exchange *x, bool whole, struct moment now)
{
    x->down.open = x->down.open || !whole;
    if (whole && x->asked.http2 && x->asked.whole && x->tries.spoke)
        client_http2_earn(x->client);
    exchange_abandon(x);
    client_exchange_over(x->client, x, whole, now);
}

bool exchange_takes_body(const struct exchange *x)
{
    return flow_pending(&x->up) < OUTPUT_MARK;
}

void exchange_settle(struct exchange *x, struct moment now)
{
    exchange_credit(x);
    exchange_time_settle(x, now);
}

void exchange_credit(struct exchange *x)
{
    if (x->phase != EXCHANGE_ACTIVE)
        return;
    bool holds = x->asked.upgrade && !x->raw; /* what came early waits for the upstream to agree */
    if (x->bytes.owed > 0 && !holds && flow_pending(&x->up) < OUTPUT_MARK) {
        flow_took(&x->down, x->bytes.owed);
        x->bytes.owed = 0;
    }
    if (x->bytes.owed_up > 0 && flow_pending(&x->down) < OUTPUT_MARK) {
        flow_took(&x->up, x->bytes.owed_up);
        x->bytes.owed_up = 0;
    }
}

/* ---- telling ---- */

static void add_times(const struct exchange *x, struct report *r, struct moment now)
{
    const struct exchange_times *at = &x->at;
    if (at->connected_us != 0)
        r->took.connect_us = at->connected_us - at->connect_us;
    if (at->secured_us != 0)
        r->took.handshake_us = at->secured_us - at->connected_us;
    if (at->first_byte_us != 0)
        r->took.first_byte_us = at->first_byte_us - at->begun_us;
    r->took.total_us = now.us - at->begun_us;
}

void exchange_report(struct exchange *x, enum reason reason, const char *detail, struct moment now)
{
    struct tls_facts down, up;
    char name[TLS_SERVER_NAME_SIZE];
    const struct client *c = x->client;
    struct report r = {
        .kind = x->asked.connection ? REPORT_CONNECTION : REPORT_REQUEST,
        .listener = x->listener,
        .target = x->way.target,
        .route = x->way.route,
        .client = c->who.address.text,
        .from = {.port = c->who.address.known ? c->who.address.peer_port : 0, .session = c->session, .program = c->who.program},
        .hello = c->opening.hello,
        .request = {.method = span_of(x->line, x->len.method),
                    .uri = span_of(x->line + x->len.method, x->len.uri),
                    .minor = x->asked.minor,
                    .http2 = x->asked.http2,
                    .id = x->rare.id,
                    .status = x->answer.status},
        .reason = reason,
        .would_refuse = x->answer.would_refuse ? REASON_NOT_ALLOWED : REASON_UNDECIDED,
        .detail = detail,
        .hint = x->answer.hint,
        .retries = x->tries.retries,
        .up_reused = x->tries.from_pool,
        .bytes_in = x->bytes.in,
        .bytes_out = x->bytes.out,
    };
    if (c->link.tls != NULL) {
        tls_engine_facts(c->link.tls, &down);
        r.down = &down;
        if ((c->env->observer.wants & OBSERVER_NAME) != 0)
            r.from.server_name = tls_engine_server_name(c->link.tls, name);
    }
    if (x->use.uplink != NULL && x->use.uplink->link.tls != NULL) {
        tls_engine_facts(x->use.uplink->link.tls, &up);
        r.up = &up;
    }
    exchange_agent_report(x, &r);
    add_times(x, &r, now);
    c->env->observer.on_report(c->env->observer.ctx, &r);
}
