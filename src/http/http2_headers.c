/* SPDX-License-Identifier: Apache-2.0 */
/* HEADERS and CONTINUATION: which stream a block belongs to, and what it means there (RFC 9113 sections 4.3, 6.2, 8.1). */
#include "http2_internal.h"

/* For a head that is read and refused. */
static bool spend_head(struct http2 *h, struct http2_event *e, size_t cost)
{
    return http2_spend_some(h, e, HTTP2_BUDGET_RESETS, cost + h->block.n_seen / HTTP2_FIELDS_FOR_ONE);
}

/* Refuses a request whose stream the caller has not met: it is reset at once. */
static enum http2_kind refuse_new(struct http2 *h, uint32_t code, enum reason reason, const char *detail, struct http2_event *e)
{
    *e = (struct http2_event){.id = h->block.id, .code = code, .reason = reason, .detail = detail};
    struct http2_stream *s = http2_stream_new(h, e->id);
    if (s == NULL)
        return http2_no_memory(h, e);
    s->in.ended = h->block.ends_stream;
    s->released = true;
    http2_reset(h, s, code);
    return spend_head(h, e, code == HTTP2_REFUSED_STREAM ? HTTP2_COST_REFUSED : HTTP2_COST_RESET) ? HTTP2_REFUSED : HTTP2_BAD;
}

/* Which block begins on a stream that is there. */
static enum http2_kind begin_known(struct http2 *h, struct http2_stream *s, struct http2_event *e)
{
    enum http2_block_kind kind = s->in.head ? HTTP2_BLOCK_TRAILERS : HTTP2_BLOCK_RESPONSE;
    h->block.kind = s->deaf ? HTTP2_BLOCK_DROPPED : kind;
    if (!s->in.ended)
        return HTTP2_NONE;
    h->block.kind = HTTP2_BLOCK_DROPPED;
    return http2_refuse(h, s, HTTP2_STREAM_CLOSED, "HEADERS behind the end of the stream", e);
}

static enum http2_kind begin_block(struct http2 *h, struct http2_event *e)
{
    const struct http2_frame *f = &h->frame;
    struct http2_stream *s = http2_stream_find(h, f->id);
    h->block.id = f->id;
    h->block.ends_stream = http2_has(f, HTTP2_FLAG_END_STREAM);
    h->block.n_frames = 0;
    if (s != NULL)
        return begin_known(h, s, e);
    bool begins = h->role == HTTP2_SERVER && (f->id & 1) == 1 && f->id > h->last_id;
    if (!begins || (h->drained && f->id > h->drain_id)) {
        h->block.kind = HTTP2_BLOCK_DROPPED;
        return http2_judge_missing(h, e);
    }
    h->last_id = f->id;
    http2_budget_earn(&h->budgets, HTTP2_BUDGET_PRIORITIES);
    http2_budget_earn(&h->budgets, HTTP2_BUDGET_UNKNOWN);
    http2_budget_earn(&h->budgets, HTTP2_BUDGET_PINGS);
    h->block.kind = HTTP2_BLOCK_REQUEST;
    return HTTP2_NONE;
}

static enum http2_kind show(struct http2 *h, struct http2_stream *s, enum http2_kind kind, struct http2_event *e)
{
    *e = (struct http2_event){.stream = s, .id = s->id, .head = &h->block.head};
    if (kind != HTTP2_TRAILERS && kind != HTTP2_INTERIM) {
        s->in.head = true;
        s->counts = h->block.head.framing == HTTP_LENGTH || h->block.head.framing == HTTP_NO_BODY;
        s->left = h->block.head.length;
    }
    if (h->block.ends_stream)
        http2_end_in(h, s);
    return kind;
}

/* A request that can be answered although it is refused: the answer says why. */
static enum http2_kind show_refused(struct http2 *h, struct http2_stream *s, struct http2_event *e)
{
    *e = (struct http2_event){.stream = s, .id = s->id, .code = HTTP2_CANCEL, .may_answer = true, .reason = h->block.reason, .detail = h->block.detail};
    s->in.head = s->deaf = true;
    s->in.ended = h->block.ends_stream;
    if (!spend_head(h, e, HTTP2_COST_RESET))
        return HTTP2_BAD;
    return HTTP2_REFUSED;
}

static enum http2_kind end_request(struct http2 *h, struct http2_event *e)
{
    const struct http2_block *b = &h->block;
    bool answered = b->reason == REASON_REQUEST_TOO_LARGE || b->reason == REASON_METHOD_UNKNOWN;
    if (b->reason == REASON_INTERNAL)
        return http2_no_memory(h, e);
    if (h->n_open >= h->limits.max_streams)
        return refuse_new(h, HTTP2_REFUSED_STREAM, REASON_OVERLOADED, "more streams at once than allowed", e);
    if (b->reason != REASON_VALID && !answered)
        return refuse_new(h, HTTP2_PROTOCOL_ERROR, b->reason, b->detail, e);
    struct http2_stream *s = http2_stream_new(h, b->id);
    if (s == NULL)
        return http2_no_memory(h, e);
    s->to_head = span_equals_str(b->head.method, "HEAD");
    return answered ? show_refused(h, s, e) : show(h, s, HTTP2_HEAD, e);
}

static enum http2_kind end_known(struct http2 *h, struct http2_stream *s, struct http2_event *e)
{
    const struct http2_block *b = &h->block;
    if (b->reason == REASON_INTERNAL)
        return http2_no_memory(h, e);
    if (b->reason != REASON_VALID)
        return http2_refuse(h, s, HTTP2_PROTOCOL_ERROR, b->detail, e);
    if (b->kind == HTTP2_BLOCK_TRAILERS) {
        if (!b->ends_stream)
            return http2_refuse(h, s, HTTP2_PROTOCOL_ERROR, "trailers do not end the stream", e);
        if (s->counts && s->left > 0)
            return http2_refuse(h, s, HTTP2_PROTOCOL_ERROR, "the stream ended before its content-length", e);
        return show(h, s, HTTP2_TRAILERS, e);
    }
    if (b->head.status >= 200)
        return show(h, s, HTTP2_HEAD, e);
    if (++s->interims > HTTP2_INTERIMS)
        return http2_refuse(h, s, HTTP2_ENHANCE_YOUR_CALM, "more interim responses than allowed", e);
    return show(h, s, HTTP2_INTERIM, e);
}

static enum http2_kind end_block(struct http2 *h, struct http2_event *e)
{
    struct http2_stream *s = http2_stream_find(h, h->block.id);
    enum http2_kind kind = HTTP2_NONE;
    if (h->block.kind == HTTP2_BLOCK_REQUEST)
        kind = end_request(h, e);
    else if (s != NULL && h->block.kind != HTTP2_BLOCK_DROPPED && !s->deaf) /* the caller may have released it since the block began */
        kind = end_known(h, s, e);
    else if (s != NULL && h->block.ends_stream && !s->in.ended)
        http2_end_in(h, s);
    h->block.id = 0;
    return kind;
}

static const char *block_refusal(const struct http2 *h, size_t fragment)
{
    const struct http2_block *b = &h->block;
    if (h->fragments.len + fragment > h->fragments.max)
        return "a header block far longer than allowed";
    if (b->n_frames > HTTP2_CONTINUATIONS + b->max_bytes / HTTP2_FRAME_BYTES)
        return "more CONTINUATION frames than allowed";
    return NULL;
}

/* The block is read to its end. */
static enum http2_kind make_head(struct http2 *h, struct span block, bool no_body, struct http2_event *e)
{
    http2_head_make(&h->block, no_body);
    http2_block_keep(&h->block, http2_hpack_settles_after(&h->hpack, block));
    return end_block(h, e);
}

static enum http2_kind decode(struct http2 *h, const struct span block, struct http2_event *e)
{
    const struct http2_stream *s = http2_stream_find(h, h->block.id);
    struct span rest = block;
    struct http_field field;
    bool never, no_body = s != NULL && s->to_head;
    if (h->block.repeat.known && http2_block_repeats(&h->block, block, no_body))
        return end_block(h, e);
    http2_block_begin(&h->block, block, no_body);
    for (;;) {
        switch (http2_hpack_read(&h->hpack, &rest, &field, &never)) {
        case HTTP2_HPACK_FIELD:
            http2_block_add(&h->block, &field, never);
            if (h->block.n_seen > HTTP2_BLOCK_FIELDS)
                return http2_broken(h, e, HTTP2_ENHANCE_YOUR_CALM, "far more fields in a head than allowed");
            break;
        case HTTP2_HPACK_END:
            return make_head(h, block, no_body, e);
        case HTTP2_HPACK_BAD:
            return http2_broken(h, e, HTTP2_COMPRESSION_ERROR, "a header block that is not HPACK");
        case HTTP2_HPACK_NO_MEMORY:
            return http2_no_memory(h, e);
        }
    }
}

/* A block in several frames is collected first: the library makes room for a string when it reads its length, so that six bytes could hold 128 KB. */
enum http2_kind http2_read_fragment(struct http2 *h, struct span in, struct http2_event *e)
{
    bool last = http2_has(&h->frame, HTTP2_FLAG_END_HEADERS);
    const char *why = block_refusal(h, in.len);
    if (why != NULL)
        return http2_broken(h, e, HTTP2_ENHANCE_YOUR_CALM, why);
    if (in.len == 0 && !last && !http2_spend(h, e, HTTP2_BUDGET_EMPTY))
        return HTTP2_BAD;
    h->block.n_frames++;
    if (last && h->fragments.len == 0)
        return decode(h, in, e);
    if (bytes_append_span(&h->fragments, in) != 0)
        return http2_no_memory(h, e);
    if (!last)
        return HTTP2_NONE;
    enum http2_kind kind = decode(h, bytes_span(&h->fragments), e);
    bytes_clear(&h->fragments);
    return kind;
}

/* The fragment of HEADERS without padding and priority, which is not followed (RFC 9113 section 5.3). */
static const char *strip(const struct http2_frame *f, struct span *payload)
{
    uint32_t padding = 0;
    if (http2_has(f, HTTP2_FLAG_PADDED)) {
        if (payload->len == 0)
            return "a padded frame without the length of its padding";
        padding = payload->ptr[0];
        *payload = span_skip(*payload, 1);
    }
    if (http2_has(f, HTTP2_FLAG_PRIORITY)) {
        if (payload->len < 5)
            return "a HEADERS frame without its priority";
        *payload = span_skip(*payload, 5);
    }
    if (padding > payload->len)
        return "more padding than the frame is long";
    payload->len -= padding;
    return NULL;
}

enum http2_kind http2_take_headers(struct http2 *h, struct span payload, struct http2_event *e)
{
    if (h->frame.id == 0)
        return http2_broken(h, e, HTTP2_PROTOCOL_ERROR, "HEADERS without a stream");
    const char *why = strip(&h->frame, &payload);
    if (why != NULL)
        return http2_broken(h, e, HTTP2_PROTOCOL_ERROR, why);
    enum http2_kind begun = begin_block(h, e);
    if (begun == HTTP2_BAD)
        return HTTP2_BAD;
    struct http2_event first = *e;
    enum http2_kind kind = http2_read_fragment(h, payload, e);
    if (begun != HTTP2_REFUSED || kind == HTTP2_BAD)
        return kind;
    *e = first;
    return begun;
}
