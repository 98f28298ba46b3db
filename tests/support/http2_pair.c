/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_pair.h"

#include "mtlsd/http/http2.h"

#include <assert.h>
#include <string.h>

enum { MAX_REQUESTS = 64, PIECE = 20000, MAX_BODY = 400000 };

struct side {
    struct http2 *h;
    struct gather out;
    struct bytes in; /* what the other side sent */
    bool failed, moved;
};

struct asked {
    struct http2_stream *s;
    size_t written, got;
    bool ended, trailers, done;
};

struct pair {
    const struct http2_pair_order *order;
    struct side client, server;
    struct asked asked[MAX_REQUESTS];
    bool shut;
};

static uint8_t body[MAX_BODY];

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 31 + i / 251);
}

static const struct http_field grpc[] = {{{(const uint8_t *)"grpc-status", 11}, {(const uint8_t *)"0", 1}}};
static const struct http_head trailers = {.fields = (struct http_field *)(uintptr_t)grpc, .n_fields = 1};

/* ---- the server: sends back what it gets ---- */

static int answer(struct pair *p, struct http2_stream *s)
{
    struct http_field fields[] = {{span_from_str("Content-Type"), span_from_str("application/grpc")}, {span_from_str("X-Id"), span_from_str("something to remember")}};
    struct http_head head = {.minor = 1, .status = 200, .fields = fields, .n_fields = 2};
    if (p->order->shut && !p->shut)
        http2_shutdown(p->server.h);
    p->shut = true;
    return http2_respond(p->server.h, s, &(struct http_outgoing){.head = &head, .framing = HTTP_CHUNKED, .date = span_from_str("Thu, 01 Jan 1970 00:00:00 GMT")});
}

static int serve(struct pair *p, enum http2_kind kind, const struct http2_event *e)
{
    switch (kind) {
    case HTTP2_HEAD:
        return answer(p, e->stream);
    case HTTP2_DATA:
        http2_consumed(p->server.h, e->stream, e->data.len);
        return http2_write(p->server.h, e->stream, e->data);
    case HTTP2_END:
        if (http2_write_end(p->server.h, e->stream, &trailers, NULL) != 0)
            return -1;
        http2_release(p->server.h, e->stream);
        return 0;
    case HTTP2_RESET:
    case HTTP2_REFUSED:
        if (e->stream != NULL)
            http2_release(p->server.h, e->stream);
        return 0;
    default:
        return kind == HTTP2_BAD ? -1 : 0;
    }
}

/* ---- the client ---- */

static int hear(struct pair *p, enum http2_kind kind, const struct http2_event *e)
{
    struct asked *a = e->stream != NULL ? http2_user(e->stream) : NULL;
    switch (kind) {
    case HTTP2_HEAD:
        assert(e->head->status == 200 && span_equals_str(http_head_find(e->head, "content-type"), "application/grpc"));
        return 0;
    case HTTP2_DATA:
        for (size_t i = 0; i < e->data.len; i++)
            assert(e->data.ptr[i] == byte_at(a->got + i));
        a->got += e->data.len;
        http2_consumed(p->client.h, e->stream, e->data.len);
        return 0;
    case HTTP2_TRAILERS:
        assert(span_equals_str(http_head_find(e->head, "grpc-status"), "0"));
        a->trailers = true;
        return 0;
    case HTTP2_END:
        a->done = true;
        assert(a->trailers && a->got == p->order->body);
        http2_release(p->client.h, a->s);
        a->s = NULL;
        return 0;
    case HTTP2_RESET:
    case HTTP2_REFUSED:
        http2_release(p->client.h, e->stream);
        a->s = NULL;
        return -1;
    default:
        return kind == HTTP2_BAD ? -1 : 0;
    }
}

static int ask(struct pair *p, struct asked *a)
{
    struct http_field fields[] = {{span_from_str("Host"), span_from_str("a.example")}, {span_from_str("X-Key"), span_from_str("another thing to remember")}};
    struct http_head head = {.request = true, .minor = 1, .method = span_from_str("POST"), .target = span_from_str("/x"), .fields = fields, .n_fields = 2};
    struct http_outgoing o = {.head = &head, .scheme = span_from_str("https"), .framing = p->order->body > 0 ? HTTP_CHUNKED : HTTP_NO_BODY, .wants_trailers = true};
    a->s = http2_request(p->client.h, &o, a);
    a->ended = p->order->body == 0;
    return a->s != NULL ? 0 : -1;
}

static int write_more(struct pair *p, struct asked *a)
{
    size_t left = p->order->body - a->written, n = left < PIECE ? left : PIECE;
    if (a->s == NULL || a->ended || http2_pending(a->s) >= PIECE)
        return 0;
    if (http2_write(p->client.h, a->s, span_of(body + a->written, n)) != 0)
        return -1;
    a->written += n;
    a->ended = a->written == p->order->body;
    return a->ended ? http2_write_end(p->client.h, a->s, NULL, NULL) : 0;
}

static void act(struct pair *p)
{
    for (unsigned i = 0; i < p->order->requests && !p->client.failed; i++) {
        struct asked *a = &p->asked[i];
        if (a->s == NULL && !a->done && http2_has_room(p->client.h))
            p->client.failed = ask(p, a) != 0;
        p->client.failed = p->client.failed || write_more(p, a) != 0;
    }
}

/* ---- between them ---- */

static void send_to(struct side *from, struct side *to, size_t mark)
{
    struct span run;
    if (http2_fill(from->h, &from->out, mark) != 0 || http2_settle(from->h) != 0)
        from->failed = true;
    while (gather_runs(&from->out, &run, 1) > 0) {
        if (bytes_append_span(&to->in, run) != 0)
            to->failed = true;
        gather_consume(&from->out, run.len);
        to->moved = true;
    }
    while (http2_next_writable(from->h) != NULL)
        ;
}

static void read_all(struct pair *p, struct side *side, int (*on_event)(struct pair *, enum http2_kind, const struct http2_event *))
{
    struct span all = bytes_span(&side->in);
    while (all.len > 0 && !side->failed) {
        struct span in = span_of(all.ptr, all.len < p->order->step ? all.len : p->order->step);
        all = span_skip(all, in.len);
        struct http2_event e;
        enum http2_kind kind = HTTP2_NONE;
        while (!side->failed && (kind = http2_next(side->h, &in, &e)) != HTTP2_MORE)
            side->failed = on_event(p, kind, &e) != 0;
    }
    if (http2_settle(side->h) != 0) /* before the input goes */
        side->failed = true;
    bytes_clear(&side->in);
}

static bool is_done(const struct pair *p)
{
    for (unsigned i = 0; i < p->order->requests; i++)
        if (!p->asked[i].done)
            return false;
    return true;
}

static bool start(struct side *side, enum http2_role role)
{
    static const struct http2_limits limits = {.max_head_bytes = 4096, .max_fields = 32};
    side->h = http2_new(role, &limits);
    gather_init(&side->out, 1 << 24);
    bytes_init(&side->in, 1 << 24);
    return side->h != NULL;
}

static void stop(struct side *side)
{
    http2_free(side->h);
    gather_clear(&side->out);
    bytes_clear(&side->in);
}

bool http2_pair_run(const struct http2_pair_order *order)
{
    struct pair p = {.order = order};
    assert(order->requests <= MAX_REQUESTS && order->body <= MAX_BODY);
    for (size_t i = 0; i < order->body; i++)
        body[i] = byte_at(i);
    bool client = start(&p.client, HTTP2_CLIENT), server = start(&p.server, HTTP2_SERVER);
    bool going = client && server;
    while (going && !is_done(&p)) {
        act(&p);
        p.client.moved = p.server.moved = false;
        send_to(&p.client, &p.server, order->mark);
        read_all(&p, &p.server, serve);
        send_to(&p.server, &p.client, order->mark);
        read_all(&p, &p.client, hear);
        going = (p.client.moved || p.server.moved) && !p.client.failed && !p.server.failed;
    }
    bool done = client && server && is_done(&p);
    stop(&p.client);
    stop(&p.server);
    return done;
}
