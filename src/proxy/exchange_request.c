/* SPDX-License-Identifier: Apache-2.0 */
/* From a client's request to the upstream: the one gate is asked (policy/admit.h), the request is kept as a value, and written for the connection
 * that it goes on, perhaps more than once. */
#include "exchange_internal.h"

#include "mtlsd/http/grpc.h"
#include "mtlsd/http/http_trailers.h"
#include "mtlsd/http/http_upgrade.h"
#include "mtlsd/http/http_websocket.h"

#include <stdlib.h>

enum { KEPT_BODY_MAX = 16 * 1024 };

/* ---- a head was read ---- */

static bool is_idempotent(struct span method)
{
    static const char *const names[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (span_equals_str(method, names[i]))
            return true;
    }
    return false;
}

static void read_wishes(struct exchange *x, const struct http_head *head)
{
    x->asked = (struct exchange_asked){
        .head_method = span_equals_str(head->method, "HEAD"),
        .idempotent = is_idempotent(head->method),
        .keep_alive = head->keep_alive || head->http2,
        .upgrade = http_upgrade_wanted(head).len > 0,
        .chunked = head->framing == HTTP_CHUNKED,
        .wants_trailers = http_trailers_are_wanted(head),
        .expects = head->framing != HTTP_NO_BODY && head->minor > 0 && http_head_find(head, "Expect").ptr != NULL,
        .whole = head->framing == HTTP_NO_BODY || (head->framing == HTTP_LENGTH && head->length == 0),
        .minor = head->minor,
        .http2 = head->http2,
        .grpc = head->http2 && grpc_is_message(head),
    };
    x->tries.http1 = x->asked.upgrade && !head->http2 && http_websocket_key(head).len == 0; /* it could not be answered here */
    x->kept.trailers = http_trailers_may_pass(head, false); /* no server can ask a client for trailers */
}

static void take_route(struct exchange *x, const struct route_choice *choice)
{
    struct exchange_way *way = &x->way;
    way->route = &x->listener->routes[choice->index];
    way->n_also = choice->n_also;
    for (size_t i = 0; i < choice->n_also; i++)
        way->also[i] = &x->listener->routes[choice->also[i]];
}

/* REASON_VALID with the route or what exchange_forward_take keeps, or why not. */
static enum reason judge(struct exchange *x, const struct http_head *head, struct admission *a, struct err *err)
{
    struct admit_place at = client_place(x->client, x->listener);
    enum reason reason = admit_request(&at, head, a, NULL, err);
    x->answer.would_refuse = a->would_refuse;
    if (a->choice.index != SIZE_MAX)
        take_route(x, &a->choice); /* told in the log also where it refused */
    if (reason == REASON_VALID && a->way != ADMIT_BY_ROUTE && !exchange_forward_take(x, a))
        return err_set(err, ERR_MEMORY, "out of memory"), REASON_INTERNAL;
    return reason;
}

/* ---- kept as a value ---- */

void exchange_request_forget(struct exchange *x)
{
    struct exchange_kept *kept = &x->kept;
    if (kept->head == NULL)
        return; /* all else is kept with it */
    block_cache_give(&x->client->env->blocks, kept->head, kept->head_bytes);
    kept->head = NULL;
    bytes_clear(&kept->text);
    block_cache_take_back(&x->client->env->blocks, &kept->added);
    bytes_clear(&kept->body);
    free(kept->last);
    kept->last = NULL;
}

static bool keep(struct exchange *x, const struct admission *a)
{
    struct exchange_kept *kept = &x->kept;
    kept->head_bytes = http_head_size(a->head);
    void *room = block_cache_take(&x->client->env->blocks, kept->head_bytes);
    if (room == NULL)
        return false;
    kept->head = http_head_place(a->head, room);
    if (exchange_added_fields(x, a, &kept->added) != 0 ||
        admission_target(a, x->way.route != NULL ? x->way.route->conf : NULL, &kept->text) != 0)
        return false;
    kept->target_len = kept->text.len;
    return !x->listener->conf->has_host_rules || bytes_append_span(&kept->text, a->target.host) == 0;
}

bool exchange_request_can_replay(const struct exchange *x)
{
    return !x->kept.gone && !x->answer.answered && x->kept.head != NULL;
}

/* ---- written ---- */

/* A forward proxy says that it was there (RFC 9110 section 7.6.3); a gateway in front of one's own servers keeps silent. */
struct span exchange_via(const struct exchange *x, const struct http_head *head)
{
    if (!x->listener->conf->forward_proxy.present)
        return span_of(NULL, 0);
    return span_from_str(head->minor == 0 ? "1.0 " ADMIT_VIA_NAME : "1.1 " ADMIT_VIA_NAME);
}

/* Max-Forwards and Via, where they count. */
static void count_hop(const struct exchange *x, struct http_outgoing *out)
{
    unsigned hops;
    if (http_guard_max_forwards(out->head, &hops)) {
        out->has_max_forwards = true;
        out->max_forwards = hops - 1;
    }
    out->via = exchange_via(x, out->head);
}

static bool may_be_kept(const struct config_upstream *up)
{
    return up->pool_max > 0 && up->send_proxy_protocol == CONFIG_PROXY_PROTOCOL_NONE;
}

/* The edits of the route, after those of routes whose path this is in another spelling. */
static const struct http_edit *edits_of(const struct exchange *x, struct http_edit room[ROUTE_ALSO_MAX])
{
    const struct exchange_way *way = &x->way;
    const struct http_edit *edits = way->route != NULL && way->route->edit != NULL ? way->route->edit : x->listener->owned;
    for (size_t i = way->n_also; i > 0; i--) {
        if (way->also[i - 1]->edit == NULL)
            continue;
        room[i - 1] = *way->also[i - 1]->edit;
        room[i - 1].next = edits;
        edits = &room[i - 1];
    }
    return edits;
}

static int write_head(struct exchange *x)
{
    char host[300];
    struct http_edit room[ROUTE_ALSO_MAX];
    struct exchange_websocket_edit own;
    const struct exchange_kept *kept = &x->kept;
    const struct config_listener *conf = x->listener->conf;
    struct span text = bytes_span(&kept->text);
    struct http_outgoing out = {
        .head = kept->head,
        .host = exchange_host_field(x, host, sizeof(host)),
        .target = span_of(text.ptr, kept->target_len),
        .added = bytes_span(&kept->added),
        .drop_forwarded = conf->forwarded != CONFIG_FORWARDED_OFF,
        .drop_other_hosts = conf->has_host_rules,
        .asked_host = span_skip(text, kept->target_len),
        .drop_overrides = conf->has_path_rules || conf->has_method_rules,
        .trailers = kept->trailers,
        .wants_trailers = x->asked.wants_trailers,
        .edit = edits_of(x, room),
        .upgrade = x->asked.upgrade ? http_upgrade_wanted(kept->head) : span_of(NULL, 0),
        .framing = x->asked.upgrade ? HTTP_NO_BODY : kept->head->framing, /* a length of 0 need not meet a server that takes none */
        .length = kept->head->length,
        .blocks = &x->client->env->blocks,
        .scheme = span_from_str(x->way.target->tls != NULL ? "https" : "http"),
        .keep_alive = may_be_kept(x->way.target->upstream->conf), /* HTTP/1.1 need not say it, but Apache tells its timeout to those who do */
    };
    count_hop(x, &out);
    if (x->asked.upgrade && exchange_websocket_ask(x, &out, &own) != 0)
        return -1;
    return flow_head(&x->up, &out, &x->use);
}

static void end_body(struct exchange *x, const struct http_head *trailers)
{
    struct http_edit room[ROUTE_ALSO_MAX];
    flow_end(&x->up, trailers, edits_of(x, room));
}

/* It may have to be sent again: it may run twice, or the upstream may say that it never began with it (HTTP/2). */
static bool may_be_needed(const struct exchange *x)
{
    return x->asked.idempotent || x->use.uplink->link.h2 != NULL;
}

/* Once it was sent it is kept only where that may be needed, and only a short one. */
static void keep_less(struct exchange *x)
{
    struct exchange_kept *kept = &x->kept;
    if (kept->body.len == 0 && !kept->body.failed)
        return;
    if (may_be_needed(x) && !kept->body.failed && kept->body.len <= KEPT_BODY_MAX)
        return;
    kept->gone = true;
    bytes_clear(&kept->body);
}

void exchange_request_send(struct exchange *x, struct moment now)
{
    struct uplink *u = x->use.uplink;
    if (u->link.h2 != NULL && !http2_has_room(u->link.h2)) {
        exchange_find_room(x, now);
        return;
    }
    u->carried++;
    if (x->asked.head_method && u->http != NULL)
        http1_expect_no_body(u->http);
    if (x->asked.upgrade && u->http != NULL)
        http1_allow_upgrade(u->http);
    x->tries.sent = u->link.h2 != NULL; /* what left of a connection that others use too is not known */
    if (write_head(x) != 0) {
        bool for_peer = flow_head_was_too_large(&x->up);
        x->answer.hint = for_peer ? "send fewer or shorter header fields, or raise the limit of the upstream (SETTINGS_MAX_HEADER_LIST_SIZE)" : x->answer.hint;
        exchange_answer(x, REASON_REQUEST_TOO_LARGE, for_peer ? "the request head is larger than the upstream takes" : "the request head does not fit into memory", now);
        return;
    }
    if (x->asked.upgrade)
        return; /* what follows waits for the answer */
    flow_data_copy(&x->up, bytes_span(&x->kept.body)); /* more may be added to what is kept before this has left */
    if (x->asked.whole)
        end_body(x, x->kept.last);
    keep_less(x);
}

/* ---- where it goes ---- */

/* A request that its client resets in the same turn never goes upstream, nor does one of many on a connection that is cut (rapid reset, security C6). */
static void postpone(struct exchange *x)
{
    x->tries.postponed = true;
    x->client->exchanges.n_postponed++;
    run_touch(&x->client->link);
}

static void forward(struct exchange *x, const struct admission *a, struct moment now)
{
    exchange_read_session(x, a);
    bool may_tunnel = x->asked.upgrade && !exchange_forward_is_direct(x);
    if ((may_tunnel && !exchange_rejudge_keep(x, a)) || !keep(x, a))
        exchange_answer(x, REASON_INTERNAL, "out of memory", now);
    else if (!exchange_choose(x, now))
        exchange_answer(x, REASON_NO_TARGET, "no target of the upstream can be used now", now);
    else if (!x->asked.http2)
        exchange_go_upstream(x, now);
    else
        postpone(x);
}

void exchange_request_begin(struct exchange *x, struct moment now)
{
    x->tries.postponed = false;
    x->client->exchanges.n_postponed--;
    exchange_go_upstream(x, now);
}

/* The next bytes may be for the refused tunnel, or part of the request to another reader (security C3). */
static bool spoils_connection(const struct http_head *head, enum reason reason)
{
    return reason == REASON_REQUEST_MALFORMED || (reason != REASON_VALID && span_equals_str(head->method, "CONNECT"));
}

static void go_by_route(struct exchange *x, const struct admission *a, struct moment now)
{
    unsigned hops;
    if (x->way.route != NULL && x->way.route->upstream == NULL)
        exchange_answer_route(x, a, now);
    else if (http_guard_max_forwards(a->head, &hops) && hops == 0)
        exchange_answer_options(x, now);
    else
        forward(x, a, now);
}

void exchange_request_head(struct exchange *x, const struct http_head *head, struct moment now)
{
    struct admission a;
    struct err err;
    err_clear(&err);
    read_wishes(x, head);
    admission_init(&a);
    enum reason reason = judge(x, head, &a, &err);
    exchange_agent_keep(x, head, &a.target);
    if (spoils_connection(head, reason))
        exchange_is_last(x);
    if (reason != REASON_VALID)
        exchange_answer(x, reason, err.text, now);
    else if ((a.way == ADMIT_BLIND || a.way == ADMIT_SNIFFED) && head->http2)
        exchange_answer(x, REASON_METHOD_UNKNOWN, "CONNECT is served in HTTP/1.1 only", now);
    else if (a.way == ADMIT_BLIND || a.way == ADMIT_SNIFFED)
        exchange_forward_grant(x, now);
    else
        go_by_route(x, &a, now);
    admission_clear(&a);
}

/* ---- its body ---- */

static void keep_body(struct exchange *x, struct span data)
{
    struct exchange_kept *kept = &x->kept;
    if (kept->head == NULL)
        return;
    bool kept_on = x->phase != EXCHANGE_ACTIVE || (may_be_needed(x) && kept->body.len + data.len <= KEPT_BODY_MAX);
    if (kept->gone || (kept_on && bytes_append_span(&kept->body, data) == 0))
        return;
    kept->gone = true;
    bytes_clear(&kept->body);
}

void exchange_request_data(struct exchange *x, struct span data, struct moment now)
{
    x->bytes.in += data.len;
    x->bytes.owed += data.len;
    exchange_time_body(x, now);
    keep_body(x, data);
    if (x->phase == EXCHANGE_ACTIVE)
        flow_data(&x->up, data);
    else if (x->kept.gone)
        exchange_answer(x, REASON_INTERNAL, "out of memory", now);
}

/* Without them the request is whole, and can be sent again. */
void exchange_request_trailers(struct exchange *x, const struct http_head *head, struct moment now)
{
    if (!x->kept.trailers)
        return;
    if (x->phase == EXCHANGE_ACTIVE) {
        end_body(x, head);
        x->kept.gone = true;
    } else if ((x->kept.last = http_head_copy(head)) == NULL) {
        exchange_answer(x, REASON_INTERNAL, "out of memory", now);
    }
}

void exchange_request_end(struct exchange *x, struct moment now)
{
    if (x->phase == EXCHANGE_ACTIVE)
        end_body(x, NULL);
    x->asked.whole = true;
    x->at.active_us = x->at.up_us = now.us; /* the time to answer begins */
}
