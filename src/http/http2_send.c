/* SPDX-License-Identifier: Apache-2.0 */
/* Heads, trailers and control frames: all that goes to the queue in the order in which it is made, which is also the order that compression needs. */
#include "http2_internal.h"

#include "http2_fields.h"
#include "http_filter.h"
#include "http_name.h"

#include <stdlib.h>
#include <string.h>

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

void http2_put32(uint8_t *to, uint32_t n)
{
    to[0] = (uint8_t)(n >> 24);
    to[1] = (uint8_t)(n >> 16);
    to[2] = (uint8_t)(n >> 8);
    to[3] = (uint8_t)n;
}

uint32_t http2_get32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

uint8_t *http2_put_frame_head(uint8_t *to, size_t len, uint8_t type, uint8_t flags, uint32_t id)
{
    to[0] = (uint8_t)(len >> 16);
    to[1] = (uint8_t)(len >> 8);
    to[2] = (uint8_t)len;
    to[3] = type;
    to[4] = flags;
    http2_put32(to + 5, id);
    return to + HTTP2_FRAME_HEAD;
}

/* At the end of the queue; NULL: it is full, or no memory. */
static uint8_t *room_in_queue(struct http2 *h, size_t n)
{
    struct block_cache *blocks = h->limits.blocks;
    if (h->queue.data == NULL && blocks != NULL && n <= BLOCK_CACHE_BYTES && block_cache_lend(blocks, &h->queue) != 0)
        return NULL;
    return bytes_reserve(&h->queue, n);
}

int http2_send_frame(struct http2 *h, enum http2_type type, uint8_t flags, uint32_t id, struct span payload)
{
    uint8_t *to = room_in_queue(h, HTTP2_FRAME_HEAD + payload.len);
    if (to == NULL)
        return -1;
    to = http2_put_frame_head(to, payload.len, (uint8_t)type, flags, id);
    if (payload.len > 0)
        memcpy(to, payload.ptr, payload.len);
    bytes_commit(&h->queue, HTTP2_FRAME_HEAD + payload.len);
    h->answers += HTTP2_FRAME_HEAD + payload.len;
    return 0;
}

int http2_send_number(struct http2 *h, enum http2_type type, uint32_t id, uint32_t number)
{
    uint8_t payload[4];
    http2_put32(payload, number);
    return http2_send_frame(h, type, 0, id, span_of(payload, sizeof(payload)));
}

int http2_send_goaway(struct http2 *h, uint32_t last, uint32_t code, const char *words)
{
    uint8_t payload[8 + 160];
    size_t n = strlen(words);
    if (n > sizeof(payload) - 8)
        n = sizeof(payload) - 8;
    http2_put32(payload, last);
    http2_put32(payload + 4, code);
    memcpy(payload + 8, words, n);
    return http2_send_frame(h, HTTP2_TYPE_GOAWAY, 0, 0, span_of(payload, 8 + n));
}

static uint8_t *put_setting(uint8_t *to, enum http2_setting name, uint32_t value)
{
    to[0] = 0;
    to[1] = (uint8_t)name;
    http2_put32(to + 2, value);
    return to + 6;
}

int http2_send_greeting(struct http2 *h)
{
    uint8_t settings[6 * 5], *to = settings;
    to = put_setting(to, HTTP2_SETTING_WINDOW, HTTP2_STREAM_WINDOW);
    to = put_setting(to, HTTP2_SETTING_HEAD_BYTES, (uint32_t)h->limits.max_head_bytes);
    if (h->role == HTTP2_CLIENT) {
        to = put_setting(to, HTTP2_SETTING_PUSH, 0);
        if (bytes_append(&h->queue, preface, sizeof(preface) - 1) != 0)
            return -1;
    } else {
        to = put_setting(to, HTTP2_SETTING_STREAMS, h->limits.max_streams);
        to = put_setting(to, HTTP2_SETTING_NO_PRIORITIES, 1);
        if (h->limits.extended_connect)
            to = put_setting(to, HTTP2_SETTING_CONNECT_PROTOCOL, 1);
    }
    if (http2_send_frame(h, HTTP2_TYPE_SETTINGS, 0, 0, span_of(settings, (size_t)(to - settings))) != 0)
        return -1;
    return http2_send_number(h, HTTP2_TYPE_WINDOW_UPDATE, 0, HTTP2_CONNECTION_WINDOW - HTTP2_FIRST_WINDOW);
}

enum { PSEUDOS = 5, FRAMING_BYTES = 64 };

/* ---- frames of a block ---- */

/* Room for one frame in the queue: the usual case. */
static int send_small(struct http2 *h, const struct http2_fields *f, size_t bound, uint8_t flags, uint32_t id)
{
    uint8_t *to = room_in_queue(h, HTTP2_FRAME_HEAD + bound);
    if (to == NULL)
        return -1;
    size_t n = http2_hpack_write(&h->hpack, to + HTTP2_FRAME_HEAD, bound, f->list, f->n);
    if (n == 0)
        return -1;
    http2_put_frame_head(to, n, HTTP2_TYPE_HEADERS, flags | HTTP2_FLAG_END_HEADERS, id);
    bytes_commit(&h->queue, HTTP2_FRAME_HEAD + n);
    struct span block = span_of(to + HTTP2_FRAME_HEAD, n);
    if (http2_hpack_adds_nothing(block))
        http2_written_keep(&h->written, f, block);
    return 0;
}

static int send_pieces(struct http2 *h, struct span block, uint8_t flags, uint32_t id)
{
    size_t n_frames = (block.len + HTTP2_FRAME_BYTES - 1) / HTTP2_FRAME_BYTES, most = block.len + n_frames * HTTP2_FRAME_HEAD;
    uint8_t *start = room_in_queue(h, most), *to = start;
    if (start == NULL)
        return -1;
    for (uint8_t type = HTTP2_TYPE_HEADERS; block.len > 0; type = HTTP2_TYPE_CONTINUATION) {
        size_t n = block.len < HTTP2_FRAME_BYTES ? block.len : HTTP2_FRAME_BYTES;
        to = http2_put_frame_head(to, n, type, n == block.len ? flags | HTTP2_FLAG_END_HEADERS : flags, id);
        memcpy(to, block.ptr, n);
        to += n;
        block = span_skip(block, n);
        flags = 0;
    }
    bytes_commit(&h->queue, most);
    return 0;
}

static int send_new(struct http2 *h, const struct http2_fields *f, uint8_t flags, uint32_t id)
{
    size_t bound = http2_hpack_bound(&h->hpack, f->list, f->n);
    http2_written_forget(&h->written);
    if (bound <= HTTP2_FRAME_BYTES)
        return send_small(h, f, bound, flags, id);
    uint8_t *block = malloc(bound);
    size_t n = block != NULL ? http2_hpack_write(&h->hpack, block, bound, f->list, f->n) : 0;
    int rc = n > 0 ? send_pieces(h, span_of(block, n), flags, id) : -1;
    free(block);
    return rc;
}

/* After a failure in the compressor its table is not the peer's any more: the queue fails, and with it the connection. */
static int send_block(struct http2 *h, const struct http2_fields *f, uint8_t flags, uint32_t id)
{
    struct span block = http2_written_find(&h->written, f);
    int rc = block.len > 0 ? send_pieces(h, block, flags, id) : send_new(h, f, flags, id);
    if (rc != 0)
        h->queue.failed = true;
    return rc;
}

/* ---- heads ---- */

static bool names_length(const struct http_head *head)
{
    return http_head_find(head, "content-length").ptr != NULL;
}

/* A length that the peer did not give is not made up: END_STREAM says it. */
static bool says_length(const struct http_outgoing *o)
{
    return o->framing == HTTP_LENGTH && (o->length > 0 || !o->head->http2 || names_length(o->head));
}

static bool ends_with_head(const struct http_outgoing *o)
{
    bool final = o->head->request || o->head->status >= 200;
    return final && o->protocol.len == 0 && (o->framing == HTTP_NO_BODY || (o->framing == HTTP_LENGTH && o->length == 0));
}

static void add_kept(struct http2_fields *f, const struct http_filter *filter)
{
    const struct http_head *head = filter->o->head;
    bool te = false;
    for (size_t i = 0; i < head->n_fields; i++) {
        const struct http_field *field = &head->fields[i];
        bool never = (head->never_indexed >> (i < 63 ? i : 63) & 1) != 0;
        te = te || (head->http2 && head->request && field->name.len == 2 && http_name_equals(field->name, "te"));
        if (!http_filter_keeps(filter, field))
            continue;
        if (head->http2)
            http2_fields_add(f, field->name, field->value, never);
        else
            http2_fields_add_lowered(f, field->name, field->value, never);
    }
    if (te || filter->o->wants_trailers) /* the only value that there is in HTTP/2 */
        http2_fields_add_str(f, "te", span_from_str("trailers"));
}

static size_t count_added(const struct http_outgoing *o)
{
    size_t n = o->n_replaced + http2_fields_count_lines(o->added);
    for (const struct http_edit *edit = o->edit; edit != NULL; edit = edit->next)
        n += edit->n_set;
    return n + 8; /* Date, Via, Max-Forwards, te, content-length */
}

static void add_pseudos(struct http2_fields *f, const struct http_outgoing *o)
{
    const struct http_head *head = o->head;
    if (!head->request) {
        http2_fields_add_str(f, ":status", http2_fields_number(f, head->status, 3));
        return;
    }
    bool extended = o->protocol.len > 0;
    http2_fields_add_str(f, ":method", extended ? span_from_str("CONNECT") : head->method);
    http2_fields_add_str(f, ":scheme", o->scheme);
    if (o->host.len > 0)
        http2_fields_add_str(f, ":authority", o->host);
    http2_fields_add_str(f, ":path", o->target);
    if (extended)
        http2_fields_add_str(f, ":protocol", o->protocol);
}

/* As RFC 9113 section 6.5.2 counts a head. */
static bool is_too_large(const struct http2 *h, const struct http2_fields *f)
{
    enum { FOR_EACH = 32 };
    size_t n = f->n * FOR_EACH;
    for (size_t i = 0; i < f->n && h->peer_head_bytes != UINT32_MAX; i++)
        n += f->list[i].namelen + f->list[i].valuelen;
    return n > h->peer_head_bytes;
}

bool http2_head_was_too_large(const struct http2 *h)
{
    return h->head_too_large;
}

static int write_head(struct http2 *h, uint32_t id, const struct http_outgoing *o)
{
    struct http_filter filter;
    struct http_field added;
    struct http2_fields f;
    h->head_too_large = false;
    if (http_filter_begin(&filter, o) != 0 || http2_fields_init(&f, o->head->n_fields + count_added(o) + PSEUDOS, filter.most + o->added.len + FRAMING_BYTES) != 0)
        return -1;
    add_pseudos(&f, o);
    add_kept(&f, &filter);
    while (http_filter_next_added(&filter, &added))
        http2_fields_add_lowered(&f, added.name, added.value, false);
    if (says_length(o))
        http2_fields_add_str(&f, "content-length", http2_fields_number(&f, o->length, 1));
    http2_fields_add_lines(&f, o->added);
    h->head_too_large = is_too_large(h, &f);
    int rc = h->head_too_large ? -1 : send_block(h, &f, ends_with_head(o) ? HTTP2_FLAG_END_STREAM : 0, id);
    http2_fields_clear(&f);
    return rc;
}

int http2_respond(struct http2 *h, struct http2_stream *s, const struct http_outgoing *o)
{
    if (s->closed)
        return 0;
    if (s->out.head || write_head(h, s->id, o) != 0)
        return -1;
    s->out.head = o->head->status >= 200;
    if (ends_with_head(o)) {
        s->finishing = s->out.ended = true;
        http2_stream_settle(h, s);
    } else {
        http2_make_ready(h, s); /* what was written before its head */
    }
    return 0;
}

static bool has_place(struct http_outgoing *o, struct bytes *joined)
{
    bool tunnel = o->protocol.len == 0 && span_equals_str(o->head->method, "CONNECT");
    return o->scheme.len > 0 && !tunnel && http_filter_place(o, joined) == 0;
}

struct http2_stream *http2_request(struct http2 *h, const struct http_outgoing *o, void *user)
{
    struct http_outgoing placed = *o;
    struct bytes joined;
    bytes_init(&joined, o->head->target.len);
    struct http2_stream *s = http2_has_room(h) && has_place(&placed, &joined) ? http2_stream_new(h, h->next_id) : NULL;
    if (s != NULL && write_head(h, s->id, &placed) != 0) {
        s->released = true;
        http2_stream_close(h, s);
        s = NULL;
    }
    bytes_clear(&joined);
    if (s == NULL)
        return NULL;
    h->next_id += 2;
    s->user = user;
    s->to_head = span_equals_str(o->head->method, "HEAD");
    s->tunnel = o->protocol.len > 0;
    s->out.head = true;
    s->finishing = s->out.ended = ends_with_head(&placed);
    return s;
}

/* ---- trailers: kept until the body has left, as two lengths, name and value each ---- */

enum { PACKED = 2 * sizeof(uint32_t) };

static int pack(struct bytes *to, const struct http_field *f)
{
    uint32_t lens[2] = {(uint32_t)f->name.len, (uint32_t)f->value.len};
    bytes_append(to, lens, sizeof(lens));
    bytes_append_span(to, f->name);
    return bytes_append_span(to, f->value);
}

int http2_write_end(struct http2 *h, struct http2_stream *s, const struct http_head *trailers, const struct http_edit *edit)
{
    if (s->closed || s->finishing)
        return 0;
    for (size_t i = 0; trailers != NULL && i < trailers->n_fields; i++)
        if (http_filter_keeps_trailer(edit, &trailers->fields[i]) && pack(&s->trailers, &trailers->fields[i]) != 0)
            return -1;
    s->finishing = true;
    http2_make_ready(h, s);
    return 0;
}

int http2_send_trailers(struct http2 *h, struct http2_stream *s)
{
    struct http2_fields f;
    struct span rest = bytes_span(&s->trailers);
    if (http2_fields_init(&f, rest.len / PACKED, rest.len) != 0)
        return -1;
    while (rest.len >= PACKED) {
        uint32_t lens[2];
        memcpy(lens, rest.ptr, sizeof(lens));
        rest = span_skip(rest, PACKED);
        http2_fields_add_lowered(&f, span_of(rest.ptr, lens[0]), span_of(rest.ptr + lens[0], lens[1]), false);
        rest = span_skip(rest, (size_t)lens[0] + lens[1]);
    }
    int rc = send_block(h, &f, HTTP2_FLAG_END_STREAM, s->id);
    http2_fields_clear(&f);
    return rc;
}
