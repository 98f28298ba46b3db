/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream's life, as both roles have it (RFC 9113 section 5.1). "in" is what the peer sends, "out" what we send.
 *
 * event                                  | in     | out    | then
 * HEADERS of the peer, http2_request     | open   | open   |
 * END_STREAM of the peer                 | ended  |        | closed, if out has ended
 * the last frame of http2_write_end left |        | ended  | closed, if in has ended
 * RST_STREAM of either side, a refusal   | ended  | ended  | closed: no frame of it is sent or read any more
 * closed and released by the caller      |        |        | freed
 */
#include "http2_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static size_t bucket_of(uint32_t id)
{
    return (id >> 1) % HTTP2_BUCKETS;
}

void http2_init_streams(struct block_cache *c, unsigned most)
{
    block_cache_init(c, sizeof(struct http2_stream), most);
}

struct http2 *http2_new(enum http2_role role, const struct http2_limits *limits)
{
    struct http2 *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return NULL;
    h->role = role;
    h->limits = *limits;
    if (h->limits.max_streams == 0)
        h->limits.max_streams = HTTP2_STREAMS;
    h->state = role == HTTP2_SERVER ? HTTP2_READ_PREFACE : HTTP2_READ_FRAME;
    h->block.max_bytes = limits->max_head_bytes;
    h->block.max_fields = limits->max_fields;
    h->block.extended_connect = role == HTTP2_SERVER && limits->extended_connect;
    h->next_id = 1;
    h->unacknowledged_us = UINT64_MAX;
    h->peer_streams = h->limits.max_streams;
    h->peer_head_bytes = UINT32_MAX;
    h->window = h->peer_first_window = HTTP2_FIRST_WINDOW;
    h->given = HTTP2_CONNECTION_WINDOW;
    bytes_init(&h->part, HTTP2_FRAME_BYTES);
    bytes_init(&h->fragments, limits->max_head_bytes + HTTP2_BLOCK_EXTRA_BYTES);
    bytes_init(&h->queue, HTTP2_QUEUE_BYTES);
    http2_budget_init(&h->budgets);
    if (http2_hpack_init(&h->hpack) != 0 || http2_send_greeting(h) != 0) {
        http2_free(h);
        return NULL;
    }
    return h;
}

static void free_stream(struct http2 *h, struct http2_stream *s)
{
    if (s->next != NULL)
        s->next->before = s->before;
    if (s->before != NULL)
        s->before->next = s->next;
    else
        h->streams = s->next;
    bytes_clear(&s->kept);
    bytes_clear(&s->trailers);
    if (h->limits.streams != NULL)
        block_cache_give(h->limits.streams, s, sizeof(*s));
    else
        free(s);
}

void http2_free(struct http2 *h)
{
    if (h == NULL)
        return;
    while (h->streams != NULL)
        free_stream(h, h->streams);
    http2_block_clear(&h->block);
    http2_hpack_clear(&h->hpack);
    http2_written_clear(&h->written);
    bytes_clear(&h->part);
    bytes_clear(&h->fragments);
    bytes_clear(&h->queue);
    free(h);
}

void http2_set_now(struct http2 *h, uint64_t now_us)
{
    h->now_us = now_us;
    http2_budget_fill(&h->budgets, now_us);
}

/* ---- streams ---- */

struct http2_stream *http2_stream_find(const struct http2 *h, uint32_t id)
{
    struct http2_stream *s = h->buckets[bucket_of(id)];
    while (s != NULL && s->id != id)
        s = s->of_id;
    return s;
}

struct http2_stream *http2_stream_new(struct http2 *h, uint32_t id)
{
    struct http2_stream *s = h->limits.streams != NULL ? block_cache_take(h->limits.streams, sizeof(*s)) : malloc(sizeof(*s));
    if (s == NULL)
        return NULL;
    *s = (struct http2_stream){.id = id};
    s->window = h->peer_first_window;
    s->given = HTTP2_STREAM_WINDOW;
    bytes_init(&s->kept, HTTP2_KEPT_BYTES);
    bytes_init(&s->trailers, HTTP2_QUEUE_BYTES);
    s->of_id = h->buckets[bucket_of(id)];
    h->buckets[bucket_of(id)] = s;
    s->next = h->streams;
    if (s->next != NULL)
        s->next->before = s;
    h->streams = s;
    h->n_open++;
    return s;
}

static void forget_id(struct http2 *h, struct http2_stream *s)
{
    struct http2_stream **at = &h->buckets[bucket_of(s->id)];
    while (*at != NULL && *at != s)
        at = &(*at)->of_id;
    if (*at == s)
        *at = s->of_id;
    if (h->body == s)
        h->body = NULL;
    if (h->block.id == s->id)
        h->block.kind = HTTP2_BLOCK_DROPPED;
}

void http2_stream_close(struct http2 *h, struct http2_stream *s)
{
    if (s->closed)
        return;
    s->closed = true;
    h->n_open--;
    h->n_leaving -= s->leaving;
    h->n_resting -= s->resting;
    s->leaving = s->resting = false;
    forget_id(h, s);
    http2_forget_waiting(h, s);
    if (s->released)
        free_stream(h, s);
}

bool http2_stream_settle(struct http2 *h, struct http2_stream *s)
{
    if (!s->in.ended || !s->out.ended)
        return false;
    http2_budget_earn(&h->budgets, HTTP2_BUDGET_RESETS);
    http2_stream_close(h, s);
    return true;
}

bool http2_was_reset(const struct http2 *h, uint32_t id)
{
    for (uint32_t i = 0; i < HTTP2_RESETS_KEPT && i < h->n_resets; i++)
        if (h->resets[i] == id)
            return true;
    return id <= h->forgiven;
}

static void remember_reset(struct http2 *h, uint32_t id)
{
    uint32_t *at = &h->resets[h->n_resets % HTTP2_RESETS_KEPT];
    if (h->n_resets >= HTTP2_RESETS_KEPT && *at > h->forgiven)
        h->forgiven = *at;
    *at = id;
    h->n_resets++;
}

void http2_reset(struct http2 *h, struct http2_stream *s, uint32_t code)
{
    if (s->closed)
        return;
    if (!s->in.ended)
        remember_reset(h, s->id);
    if (!s->in.ended && h->role == HTTP2_CLIENT)
        http2_budget_earn(&h->budgets, HTTP2_BUDGET_STALE);
    if (h->ended == s) /* the caller wants to hear no more of it */
        h->ended = NULL;
    if (h->state != HTTP2_READ_NOTHING && http2_send_number(h, HTTP2_TYPE_RST_STREAM, s->id, code) != 0)
        h->queue.failed = true; /* http2_fill says so */
    s->in.ended = s->out.ended = true;
    http2_stream_close(h, s);
}

/* RFC 9113 section 8.1 allows a reset with NO_ERROR at once, but curl 7.88 and others then lose the answer. So the rest of the request is dropped for a
 * while; the stream's window is not opened for it. */
void http2_stream_rest(struct http2 *h, struct http2_stream *s)
{
    if (h->role == HTTP2_CLIENT) {
        http2_reset(h, s, HTTP2_NO_ERROR);
        return;
    }
    h->n_leaving -= s->leaving;
    s->leaving = false;
    s->resting = true;
    s->moved_us = h->now_us;
    h->n_resting++;
}

uint64_t http2_resting_us(const struct http2 *h)
{
    uint64_t first = UINT64_MAX;
    for (const struct http2_stream *s = h->n_resting > 0 ? h->streams : NULL; s != NULL; s = s->next)
        if (s->resting && s->moved_us < first)
            first = s->moved_us;
    return first;
}

void http2_reset_resting(struct http2 *h, uint64_t until_us)
{
    for (struct http2_stream *s = h->streams, *next; s != NULL; s = next) {
        next = s->next;
        if (s->resting && s->moved_us <= until_us)
            http2_reset(h, s, HTTP2_NO_ERROR);
    }
}

static void start_to_leave(struct http2 *h, struct http2_stream *s)
{
    s->leaving = true;
    s->moved_us = h->now_us;
    h->n_leaving++;
}

void http2_release(struct http2 *h, struct http2_stream *s)
{
    assert(!s->released);
    http2_give_back(h, NULL, s->unread);
    s->unread = 0;
    s->user = NULL;
    if (s->lost)
        h->n_lost--;
    s->lost = false;
    if (h->ended == s)
        h->ended = NULL;
    bool all_said = s->tunnel && s->in.ended; /* an answered request that still waits is cancelled, a tunnel that ended is not */
    if (!s->finishing || (h->role == HTTP2_CLIENT && !all_said))
        http2_reset(h, s, h->role == HTTP2_CLIENT || s->out.head ? HTTP2_CANCEL : HTTP2_INTERNAL_ERROR);
    s->released = true;
    s->deaf = true;
    if (s->closed)
        free_stream(h, s);
    else if (!s->out.ended)
        start_to_leave(h, s);
    else
        http2_stream_rest(h, s);
}

/* ---- what ends the connection ---- */

enum http2_kind http2_bad(struct http2 *h, struct http2_event *e, uint32_t code, enum reason reason, const char *detail)
{
    *e = (struct http2_event){.code = code, .reason = reason, .detail = detail};
    h->state = HTTP2_READ_NOTHING;
    h->reason = reason;
    h->detail = detail;
    h->code = code;
    h->body = h->ended = NULL;
    bytes_clear(&h->part);
    http2_block_clear(&h->block);
    if (http2_send_goaway(h, h->last_id, code, detail) != 0)
        h->queue.failed = true;
    return HTTP2_BAD;
}

enum http2_kind http2_broken(struct http2 *h, struct http2_event *e, uint32_t code, const char *detail)
{
    enum reason of_client = code == HTTP2_ENHANCE_YOUR_CALM ? REASON_CLIENT_FLOODED : REASON_REQUEST_MALFORMED;
    return http2_bad(h, e, code, h->role == HTTP2_SERVER ? of_client : REASON_UPSTREAM_PROTOCOL, detail);
}

enum http2_kind http2_no_memory(struct http2 *h, struct http2_event *e)
{
    return http2_bad(h, e, HTTP2_INTERNAL_ERROR, REASON_INTERNAL, "out of memory");
}

bool http2_spend_some(struct http2 *h, struct http2_event *e, enum http2_budget row, size_t n)
{
    if (http2_budget_spend(&h->budgets, row, (unsigned)n))
        return true;
    http2_broken(h, e, HTTP2_ENHANCE_YOUR_CALM, http2_budget_detail(row));
    return false;
}

/* ---- what the caller asks ---- */

void *http2_user(const struct http2_stream *s)
{
    return s->user;
}

void http2_set_user(struct http2_stream *s, void *user)
{
    s->user = user;
}

uint32_t http2_id(const struct http2_stream *s)
{
    return s->id;
}

bool http2_is_open(const struct http2_stream *s)
{
    return !s->closed;
}

size_t http2_streams(const struct http2 *h)
{
    return h->n_open;
}

bool http2_is_between(const struct http2 *h)
{
    return h->state == HTTP2_READ_FRAME && h->n_first == 0 && h->block.id == 0;
}

bool http2_is_idle(const struct http2 *h)
{
    return h->n_open == 0 && h->ended == NULL && http2_is_between(h);
}

uint32_t http2_max_concurrent(const struct http2 *h)
{
    return h->peer_streams < h->limits.max_streams ? h->peer_streams : h->limits.max_streams;
}

bool http2_has_room(const struct http2 *h)
{
    return h->role == HTTP2_CLIENT && h->state != HTTP2_READ_NOTHING && !h->goaway_came && !h->draining && h->next_id <= HTTP2_MAX_WINDOW &&
           h->n_open < http2_max_concurrent(h);
}

bool http2_peer_takes_protocols(const struct http2 *h)
{
    return h->extended_connect;
}

bool http2_is_greeted(const struct http2 *h)
{
    return h->greeted;
}

size_t http2_queued(const struct http2 *h)
{
    return h->queue.len;
}

bool http2_wants_close(const struct http2 *h)
{
    if (h->state == HTTP2_READ_NOTHING)
        return true;
    bool last = h->role == HTTP2_SERVER ? h->drained || h->goaway_came : h->goaway_came || h->draining || h->next_id > HTTP2_MAX_WINDOW;
    return last && h->n_open == 0;
}

enum reason http2_reason(const struct http2 *h)
{
    return h->reason;
}

const char *http2_detail(const struct http2 *h)
{
    return h->detail != NULL ? h->detail : "";
}
