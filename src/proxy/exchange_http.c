/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_internal.h"

#include "mtlsd/http/http_guard.h"
#include "mtlsd/http/http_trailers.h"
#include "mtlsd/http/http_upgrade.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { HEAD_OUT_MAX = 512 * 1024 };

/* ---- the request ---- */

static bool is_idempotent(struct span method)
{
    static const char *const names[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (span_equals_str(method, names[i]))
            return true;
    }
    return false;
}

static bool begin_request(struct exchange *x, const struct http_head *head, struct moment now)
{
    if (!exchange_request_begin_for(x, head->method, head->target, exchange_location_host(x, head)))
        return false;
    struct request *rq = x->rq;
    rq->begun = true;
    rq->begun_us = x->head_us != 0 ? x->head_us : now.us;
    x->head_us = 0;
    rq->minor = head->minor;
    rq->keep_alive = head->keep_alive;
    rq->head_method = span_equals_str(head->method, "HEAD");
    rq->idempotent = is_idempotent(head->method);
    rq->upgrade = http_upgrade_wanted(head).len > 0;
    rq->chunked = rq->chunk_request = head->framing == HTTP_CHUNKED;
    rq->wants_trailers = http_trailers_are_wanted(head);
    rq->trailers_up = http_trailers_may_pass(head, false); /* no server can ask a client for trailers */
    rq->expects = head->framing != HTTP_NO_BODY && head->minor > 0 && http_head_find(head, "Expect").ptr != NULL;
    rq->whole = head->framing == HTTP_NO_BODY || (head->framing == HTTP_LENGTH && head->length == 0);
    exchange_agent_keep(x, head);
    return true;
}

/* A forward proxy says that it was there (RFC 9110 section 7.6.3); a gateway in front of one's own servers keeps silent. */
struct span exchange_http_via(const struct exchange *x, const struct http_head *head)
{
    if (!x->listener->conf->forward_proxy.present)
        return span_of(NULL, 0);
    return span_from_str(head->minor == 0 ? "1.0 " ADMIT_VIA_NAME : "1.1 " ADMIT_VIA_NAME);
}

/* Max-Forwards and Via, where they count. */
static void count_hop(const struct exchange *x, const struct http_head *head, struct http_outgoing *out)
{
    unsigned hops;
    if (http_guard_max_forwards(head, &hops)) {
        out->has_max_forwards = true;
        out->max_forwards = hops - 1;
    }
    out->via = exchange_http_via(x, head);
}

static bool may_be_kept(const struct config_upstream *up)
{
    return up->pool_max > 0 && up->send_proxy_protocol == CONFIG_PROXY_PROTOCOL_NONE;
}

/* What the route changes, and before it what those routes do whose path this is in another spelling. */
static const struct http_edit *edits_of(const struct exchange *x, struct http_edit room[ROUTE_ALSO_MAX])
{
    const struct http_edit *edits = x->route != NULL ? x->route->edit : NULL;
    for (size_t i = x->n_also; i > 0; i--) {
        if (x->also[i - 1]->edit == NULL)
            continue;
        room[i - 1] = *x->also[i - 1]->edit;
        room[i - 1].next = edits;
        edits = &room[i - 1];
    }
    return edits;
}

static int write_request_head(struct exchange *x, const struct admission *a)
{
    char host[300];
    struct http_edit room[ROUTE_ALSO_MAX];
    struct bytes added, target;
    bytes_init(&added, HEAD_OUT_MAX);
    bytes_init(&target, HEAD_OUT_MAX);
    int rc = -1;
    if (exchange_added_fields(x, a->head, &added) != 0 || admission_target(a, x->route != NULL ? x->route->conf : NULL, &target) != 0)
        goto done;
    struct http_outgoing out = {
        .head = a->head,
        .host = exchange_host_field(x, host, sizeof(host)),
        .target = bytes_span(&target),
        .added = bytes_span(&added),
        .drop_forwarded = x->listener->conf->forwarded != CONFIG_FORWARDED_OFF,
        .drop_other_hosts = x->listener->conf->has_host_rules,
        .asked_host = a->target.host,
        .drop_overrides = x->listener->conf->has_path_rules || x->listener->conf->has_method_rules,
        .trailers = x->rq->trailers_up,
        .wants_trailers = x->rq->wants_trailers,
        .edit = edits_of(x, room),
        .upgrade = x->rq->upgrade ? http_upgrade_wanted(a->head) : span_of(NULL, 0),
        .framing = x->rq->upgrade ? HTTP_NO_BODY : a->head->framing, /* a length of 0 need not meet a server that takes none */
        .length = a->head->length,
        .keep_alive = may_be_kept(x->target->upstream->conf), /* HTTP/1.1 need not say it, but Apache tells its timeout to those who do */
    };
    count_hop(x, a->head, &out);
    rc = http_guard_write_head(&x->rq->head, &out);
done:
    bytes_clear(&added);
    bytes_clear(&target);
    return rc;
}

static void forward(struct exchange *x, const struct admission *a, struct moment now)
{
    exchange_read_session(x, a);
    bool may_tunnel = x->rq->upgrade && !exchange_forward_is_direct(x);
    if (may_tunnel && !exchange_rejudge_keep(x, a))
        exchange_answer(x, REASON_INTERNAL, "out of memory", now);
    else if (!exchange_choose(x, now))
        exchange_answer(x, REASON_NO_TARGET, "no target of the upstream can be used now", now);
    else if (write_request_head(x, a) != 0)
        exchange_answer(x, REASON_REQUEST_TOO_LARGE, "the request head does not fit into memory", now);
    else
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
    if (x->route != NULL && x->route->upstream == NULL)
        exchange_answer_route(x, now);
    else if (http_guard_max_forwards(a->head, &hops) && hops == 0)
        exchange_answer_options(x, now);
    else
        forward(x, a, now);
}

static void on_request_head(struct exchange *x, struct moment now)
{
    struct admission a;
    struct err err = {0};
    const struct http_head *head = http1_head(x->http);
    if (!begin_request(x, head, now))
        return;
    admission_init(&a);
    enum reason reason = exchange_route_judge(x, head, &a, &err);
    x->close_after = x->close_after || spoils_connection(head, reason);
    if (reason != REASON_VALID)
        exchange_answer(x, reason, err.text, now);
    else if (a.way == ADMIT_BLIND || a.way == ADMIT_SNIFFED)
        exchange_forward_grant(x, now);
    else
        go_by_route(x, &a, now);
    admission_clear(&a);
}

static void pass_chunk(struct link *to, struct span data)
{
    char line[24];
    int n = snprintf(line, sizeof(line), "%zx\r\n", data.len);
    link_write_copy(to, span_of(line, (size_t)n));
    link_write_borrow(to, data);
    link_write_copy(to, span_of("\r\n", 2));
}

void exchange_http_pass(struct link *to, bool chunked, struct span data)
{
    if (chunked)
        pass_chunk(to, data);
    else
        link_write_borrow(to, data);
}

void exchange_http_pass_end(struct link *to, const struct http_head *trailers, const struct http_edit *edit)
{
    struct bytes end;
    bytes_init(&end, HEAD_OUT_MAX);
    if (http_guard_write_last_chunk(&end, trailers, edit) != 0)
        to->broken = true;
    link_write_copy(to, bytes_span(&end));
    bytes_clear(&end);
}

/* ---- sending it, perhaps more than once ---- */

/* Copied, since more may be added to what is kept before this has left. */
static void replay_body(const struct request *rq, struct link *to)
{
    char line[24];
    struct span body = bytes_span(&rq->body);
    if (body.len > 0 && rq->chunked) {
        int n = snprintf(line, sizeof(line), "%zx\r\n", body.len);
        link_write_copy(to, span_of(line, (size_t)n));
    }
    link_write_copy(to, body);
    if (body.len > 0 && rq->chunked)
        link_write_copy(to, span_of("\r\n", 2));
    if (rq->chunked && !rq->chunk_request)
        exchange_http_pass_end(to, NULL, NULL);
}

void exchange_http_send_request(struct exchange *x, struct moment now)
{
    (void)now;
    struct uplink *u = x->up;
    struct request *rq = x->rq;
    u->uses++;
    if (rq->head_method)
        http1_expect_no_body(u->http);
    if (rq->upgrade)
        http1_allow_upgrade(u->http);
    link_write_borrow(&u->link, bytes_span(&rq->head));
    replay_body(rq, &u->link);
}

/* A body is kept only for a request that may run twice, and only a short one. */
static void keep_body(struct request *rq, struct span data)
{
    if (rq->unkept || (rq->idempotent && bytes_append_span(&rq->body, data) == 0))
        return;
    rq->unkept = true;
    bytes_clear(&rq->body);
}

bool exchange_http_can_replay(const struct exchange *x)
{
    return !x->rq->unkept && !x->rq->answered && x->rq->head.len > 0;
}

/* The head begins with the request line and Host, as http_guard_write_head has it. */
int exchange_http_change_host(struct exchange *x)
{
    static const char host_line[] = "\r\nHost: ";
    char buf[300];
    struct span host = exchange_host_field(x, buf, sizeof(buf)), old = bytes_span(&x->rq->head);
    if (host.len == 0)
        return 0;
    const uint8_t *line = memmem(old.ptr, old.len, host_line, strlen(host_line));
    assert(line != NULL);
    size_t before = (size_t)(line - old.ptr) + strlen(host_line);
    struct span rest = span_skip(old, before);
    const uint8_t *end = memmem(rest.ptr, rest.len, "\r\n", 2);
    assert(end != NULL);
    struct bytes head;
    bytes_init(&head, HEAD_OUT_MAX);
    bytes_append(&head, old.ptr, before);
    bytes_append_span(&head, host);
    if (bytes_append_span(&head, span_skip(rest, (size_t)(end - rest.ptr))) != 0) {
        bytes_clear(&head);
        return -1;
    }
    bytes_clear(&x->rq->head);
    x->rq->head = head;
    return 0;
}

/* Without them the request is whole, and can be sent again. */
static void on_request_trailers(struct exchange *x)
{
    struct request *rq = x->rq;
    struct http_edit room[ROUTE_ALSO_MAX];
    exchange_http_pass_end(&x->up->link, rq->trailers_up ? http1_head(x->http) : NULL, edits_of(x, room));
    rq->chunk_request = false;
    rq->unkept = rq->unkept || rq->trailers_up;
}

static void on_request_end(struct exchange *x, struct moment now)
{
    if (x->rq->chunk_request && x->up != NULL)
        exchange_http_pass_end(&x->up->link, NULL, NULL);
    x->rq->chunk_request = false;
    x->rq->whole = true;
    x->active_us = x->up_us = now.us; /* the time to answer begins */
}

/* A request may be read on while the upstream can take its body, or when a new one may begin. A client that does not read the answers which
 * are ours alone is not read either. */
bool exchange_http_may_read(const struct exchange *x)
{
    if (x->phase == PHASE_IDLE)
        return !x->rq->begun && link_pending(&x->down) < OUTPUT_MARK;
    return x->phase == PHASE_ACTIVE && !x->rq->whole;
}

static void on_request_bad(struct exchange *x, struct moment now)
{
    x->close_after = true;
    if (!exchange_request_begin(x, span_of(NULL, 0), span_of(NULL, 0)))
        return;
    x->rq->whole = false;
    if (x->phase == PHASE_IDLE) {
        x->rq->begun = true;
        x->rq->begun_us = now.us;
    }
    if (http1_is_h2(x->http))
        exchange_answer_h2(x, http1_detail(x->http), now);
    else
        exchange_answer(x, http1_reason(x->http), http1_detail(x->http), now);
}

void exchange_http_from_client(struct exchange *x, struct span in, struct moment now)
{
    struct span data;
    while (!x->down.broken && exchange_http_may_read(x)) {
        enum http1_event event = http1_next(x->http, &in, &data);
        if (event == HTTP1_MORE) {
            if (x->phase == PHASE_IDLE && x->head_us == 0 && !http1_is_idle(x->http))
                x->head_us = now.us;
            break;
        }
        switch (event) {
        case HTTP1_HEAD:
            on_request_head(x, now);
            if (x->rq->whole && x->rq->begun)
                http1_next(x->http, &in, &data); /* a request without a body ends with its head */
            break;
        case HTTP1_DATA:
            x->rq->bytes_in += data.len;
            exchange_time_body(x, now);
            keep_body(x->rq, data);
            exchange_http_pass(&x->up->link, x->rq->chunk_request, data);
            break;
        case HTTP1_TRAILERS:
            on_request_trailers(x);
            break;
        case HTTP1_END:
            if (x->rq->begun) /* else it was answered at its head */
                on_request_end(x, now);
            break;
        default:
            on_request_bad(x, now);
            return;
        }
    }
    if (in.len > 0 && x->phase != PHASE_LINGER && x->phase != PHASE_DONE)
        exchange_hold(x, SIDE_DOWN, in);
}

void exchange_http_client_ended(struct exchange *x, struct moment now)
{
    if (x->held[SIDE_DOWN].len > 0)
        return; /* requests may stand there; exchange_continue comes back here when they were read */
    x->close_after = true;
    bool between = x->phase == PHASE_IDLE && http1_is_idle(x->http) && x->held[SIDE_DOWN].len == 0;
    if (between) {
        link_end(&x->down);
        exchange_enter(x, PHASE_LINGER, now);
        x->eof[SIDE_DOWN] = true;
        if (link_pending(&x->down) == 0 && x->down.tls == NULL)
            exchange_finish(x, now);
        return;
    }
    if (x->rq->begun && x->rq->whole)
        return; /* it waits for our answer with its own direction shut */
    if (!exchange_request_begin(x, span_of(NULL, 0), span_of(NULL, 0)))
        return;
    x->rq->begun = true;
    exchange_report(x, REASON_CLIENT_CLOSED, "the client closed in the middle of a request", now);
    x->reset = true;
    exchange_finish(x, now);
}
