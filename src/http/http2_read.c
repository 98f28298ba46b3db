/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state    | input                         | then
 * PREFACE  | the client's 24 bytes         | FRAME
 * FRAME    | a frame's head of DATA        | BODY, or REST if it is unwanted
 *          | of an unknown type            | REST
 *          | of any other                  | PAYLOAD
 * PAYLOAD  | all of it                     | FRAME, with its event
 * BODY     | some of it                    | DATA; at its end REST for the padding, or FRAME
 * REST     | some of it                    | dropped; at its end FRAME
 * any      | what breaks the rules         | NOTHING: BAD, and a GOAWAY to send
 *
 * A frame is judged by its head as far as that goes, so that nothing is collected that will be refused.
 */
#include "http2_internal.h"

#include <assert.h>
#include <string.h>

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum { PREFACE = sizeof(preface) - 1 };

enum http2_preface http2_sniff(struct span first)
{
    size_t n = first.len < PREFACE ? first.len : PREFACE;
    if (n > 0 && memcmp(first.ptr, preface, n) != 0)
        return HTTP2_PREFACE_NO;
    return n == PREFACE ? HTTP2_PREFACE_YES : HTTP2_PREFACE_MAYBE;
}

static bool has(const struct http2_frame *f, uint8_t flag)
{
    return (f->flags & flag) != 0;
}

/* Up to n bytes of *in into first; true: they are all there. */
static bool collect(struct http2 *h, struct span *in, uint32_t n)
{
    size_t more = n - h->n_first < in->len ? n - h->n_first : in->len;
    if (more > 0)
        memcpy(h->first + h->n_first, in->ptr, more);
    h->n_first += (uint32_t)more;
    *in = span_skip(*in, more);
    return h->n_first == n;
}

static enum http2_kind next_preface(struct http2 *h, struct span *in, struct http2_event *e)
{
    if (!collect(h, in, PREFACE))
        return http2_sniff(span_of(h->first, h->n_first)) == HTTP2_PREFACE_NO ? http2_broken(h, e, HTTP2_PROTOCOL_ERROR, "this is not HTTP/2") : HTTP2_MORE;
    if (memcmp(h->first, preface, PREFACE) != 0)
        return http2_broken(h, e, HTTP2_PROTOCOL_ERROR, "this is not HTTP/2");
    h->n_first = 0;
    h->state = HTTP2_READ_FRAME;
    return HTTP2_NONE;
}

/* ---- refusals of one stream ---- */

enum http2_kind http2_refuse(struct http2 *h, struct http2_stream *s, uint32_t code, const char *detail, struct http2_event *e)
{
    *e = (struct http2_event){.stream = s, .id = s->id, .code = code, .detail = detail};
    e->reason = h->role == HTTP2_SERVER ? REASON_REQUEST_MALFORMED : REASON_UPSTREAM_PROTOCOL;
    bool told = !s->released;
    http2_reset(h, s, code);
    if (h->role == HTTP2_SERVER && !http2_spend(h, e, HTTP2_BUDGET_RESETS))
        return HTTP2_BAD;
    return told ? HTTP2_REFUSED : HTTP2_NONE;
}

/* The same for a stream that is none yet. */
static enum http2_kind refuse_new(struct http2 *h, uint32_t code, enum reason reason, const char *detail, struct http2_event *e)
{
    *e = (struct http2_event){.id = h->block.id, .code = code, .reason = reason, .detail = detail};
    struct http2_stream *s = http2_stream_new(h, e->id);
    if (s == NULL)
        return http2_no_memory(h, e);
    s->in.ended = h->block.ends_stream;
    s->released = true;
    http2_reset(h, s, code);
    return http2_spend(h, e, HTTP2_BUDGET_RESETS) ? HTTP2_REFUSED : HTTP2_BAD;
}

/* ---- windows that we gave ---- */

void http2_give_back(struct http2 *h, struct http2_stream *s, size_t n)
{
    if (n == 0 || h->state == HTTP2_READ_NOTHING)
        return;
    h->credit += (uint32_t)n;
    int rc = 0;
    if (h->credit >= HTTP2_CONNECTION_WINDOW / 2) {
        rc = http2_send_number(h, HTTP2_TYPE_WINDOW_UPDATE, 0, h->credit);
        h->given += h->credit;
        h->credit = 0;
    }
    if (s != NULL && !s->closed && !s->in.ended) {
        s->credit += (uint32_t)n;
        if (s->credit >= HTTP2_STREAM_WINDOW / 2) {
            rc = rc != 0 ? rc : http2_send_number(h, HTTP2_TYPE_WINDOW_UPDATE, s->id, s->credit);
            s->given += (int32_t)s->credit;
            s->credit = 0;
        }
    }
    if (rc != 0)
        h->queue.failed = true;
}

void http2_consumed(struct http2 *h, struct http2_stream *s, size_t n)
{
    assert(n <= s->unread);
    s->unread -= (uint32_t)n;
    http2_give_back(h, s, n);
}

/* ---- DATA ---- */

/* What a frame of a stream that is not there means. HTTP2_NONE: it is dropped. */
static enum http2_kind judge_missing(struct http2 *h, struct http2_event *e)
{
    bool ours = (h->frame.id & 1) == (h->role == HTTP2_CLIENT);
    bool idle = ours ? h->role == HTTP2_SERVER || h->frame.id >= h->next_id : h->frame.id > h->last_id;
    if (idle && !(h->drained && h->frame.id > h->drain_id))
        return http2_broken(h, e, HTTP2_PROTOCOL_ERROR, "a frame of a stream that never began");
    if (!idle && !http2_was_reset(h, h->frame.id))
        return http2_broken(h, e, HTTP2_STREAM_CLOSED, "a frame of a stream that has ended");
    return http2_spend(h, e, HTTP2_BUDGET_STALE) ? HTTP2_NONE : HTTP2_BAD;
}

static enum http2_kind drop_data(struct http2 *h)
{
    http2_give_back(h, NULL, h->left);
    h->body = NULL;
    h->state = HTTP2_READ_REST;
    return HTTP2_NONE;
}

static bool is_too_long(const struct http2_stream *s, uint32_t n)
{
    return s->counts && n > s->left && !s->deaf;
}

static const char too_long[] = "more DATA than content-length says";

static const char *data_refusal(const struct http2_stream *s, const struct http2_frame *f, uint32_t *code)
{
    *code = HTTP2_STREAM_CLOSED;
    if (s->in.ended)
        return "DATA behind the end of the stream";
    *code = HTTP2_PROTOCOL_ERROR;
    if (!s->in.head)
        return "DATA before the head";
    if (!has(f, HTTP2_FLAG_PADDED) && is_too_long(s, f->len))
        return too_long;
    *code = HTTP2_FLOW_CONTROL_ERROR;
    return s->given < 0 ? "more DATA than the stream's window allows" : NULL;
}

static enum http2_kind begin_data(struct http2 *h, struct http2_event *e)
{
    const struct http2_frame *f = &h->frame;
    if (f->id == 0)
        return http2_broken(h, e, HTTP2_PROTOCOL_ERROR, "DATA without a stream");
    h->given -= f->len;
    if (h->given < 0)
        return http2_broken(h, e, HTTP2_FLOW_CONTROL_ERROR, "more DATA than the connection's window allows");
    if (f->len == 0 && !has(f, HTTP2_FLAG_END_STREAM) && !http2_spend(h, e, HTTP2_BUDGET_EMPTY))
        return HTTP2_BAD;
    struct http2_stream *s = http2_stream_find(h, f->id);
    h->left = f->len;
    if (s == NULL) {
        enum http2_kind kind = judge_missing(h, e);
        return kind == HTTP2_NONE ? drop_data(h) : kind;
    }
    uint32_t code;
    s->given -= (int32_t)f->len;
    const char *why = data_refusal(s, f, &code);
    if (why != NULL) {
        drop_data(h);
        return http2_refuse(h, s, code, why, e);
    }
    if (f->len > 0) {
        http2_budget_earn(&h->budgets, HTTP2_BUDGET_EMPTY);
        http2_budget_earn(&h->budgets, HTTP2_BUDGET_PINGS);
    }
    h->body = s;
    h->body_ends = has(f, HTTP2_FLAG_END_STREAM);
    h->padding = 0;
    h->n_first = has(f, HTTP2_FLAG_PADDED) ? 1 : 0; /* the length of the padding is to come */
    if (h->n_first == 1 && f->len == 0)
        return http2_broken(h, e, HTTP2_FRAME_SIZE_ERROR, "a padded frame without the length of its padding");
    h->state = HTTP2_READ_BODY;
    return HTTP2_NONE;
}

/* The peer's END_STREAM: END is the next event. */
static void end_in(struct http2 *h, struct http2_stream *s)
{
    s->in.ended = true;
    if (!s->released)
        h->ended = s;
    else
        http2_stream_settle(h, s);
}

static bool ends_early(const struct http2 *h)
{
    return h->body != NULL && h->body_ends && h->body->counts && h->body->left > 0 && !h->body->deaf;
}

static enum http2_kind end_data(struct http2 *h, struct http2_event *e)
{
    struct http2_stream *s = h->body;
    bool early = ends_early(h);
    h->state = HTTP2_READ_FRAME;
    h->n_first = 0;
    h->body = NULL;
    if (s == NULL || !h->body_ends)
        return HTTP2_NONE;
    if (early)
        return http2_refuse(h, s, HTTP2_PROTOCOL_ERROR, "the stream ended before its content-length", e);
    end_in(h, s);
    return HTTP2_NONE;
}

static enum http2_kind read_padding(struct http2 *h, struct span *in, struct http2_event *e)
{
    h->padding = in->ptr[0];
    h->n_first = 0;
    h->left--;
    *in = span_skip(*in, 1);
    if (h->padding > h->left)
        return http2_broken(h, e, HTTP2_PROTOCOL_ERROR, "more padding than the frame is long");
    h->left -= h->padding;
    http2_give_back(h, h->body, h->padding + 1U);
    if (h->body == NULL || !is_too_long(h->body, h->left))
        return HTTP2_NONE;
    struct http2_stream *s = h->body;
    http2_give_back(h, NULL, h->left);
    h->left += h->padding;
    h->state = HTTP2_READ_REST;
    return http2_refuse(h, s, HTTP2_PROTOCOL_ERROR, too_long, e);
}

static enum http2_kind give_data(struct http2 *h, struct span data, struct http2_event *e)
{
    struct http2_stream *s = h->body;
    if (s->deaf) {
        http2_give_back(h, s, data.len);
        return HTTP2_NONE;
    }
    s->left -= s->counts ? data.len : 0;
    s->unread += (uint32_t)data.len;
    *e = (struct http2_event){.stream = s, .id = s->id, .data = data};
    return HTTP2_DATA;
}

static enum http2_kind next_body(struct http2 *h, struct span *in, struct http2_event *e)
{
    if (in->len == 0 && h->left > 0)
        return HTTP2_MORE;
    enum http2_kind kind = h->n_first == 1 ? read_padding(h, in, e) : HTTP2_NONE;
    if (kind != HTTP2_NONE || h->state != HTTP2_READ_BODY)
        return kind;
    if (h->body == NULL) { /* it was reset while its frame came; what of the window is not given back yet */
        http2_give_back(h, NULL, h->left);
        h->left += h->padding;
        h->state = HTTP2_READ_REST;
        return HTTP2_NONE;
    }
    size_t n = h->left < in->len ? h->left : in->len;
    if (n > 0) {
        h->left -= (uint32_t)n;
        struct span data = span_of(in->ptr, n);
        *in = span_skip(*in, n);
        kind = give_data(h, data, e);
    }
    if (h->left > 0 || h->state != HTTP2_READ_BODY)
        return kind;
    if (h->padding == 0 && (kind == HTTP2_NONE || !ends_early(h)))
        return kind == HTTP2_NONE ? end_data(h, e) : (end_data(h, e), kind);
    h->left = h->padding;
    h->state = HTTP2_READ_REST;
    return kind;
}

static enum http2_kind next_rest(struct http2 *h, struct span *in, struct http2_event *e)
{
    size_t n = h->left < in->len ? h->left : in->len;
    *in = span_skip(*in, n);
    h->left -= (uint32_t)n;
    if (h->left > 0)
        return HTTP2_MORE;
    return end_data(h, e);
}

/* ---- HEADERS and CONTINUATION ---- */

/* Which block begins on a stream that is there. */
static enum http2_kind begin_known(struct http2 *h, struct http2_stream *s, struct http2_event *e)
{
    enum http2_block_kind kind = s->in.head ? HTTP2_BLOCK_TRAILERS : HTTP2_BLOCK_RESPONSE;
    http2_block_begin(&h->block, s->deaf ? HTTP2_BLOCK_DROPPED : kind);
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
    h->block.ends_stream = has(f, HTTP2_FLAG_END_STREAM);
    h->block.n_frames = 0;
    h->block.n_bytes = 0;
    if (s != NULL)
        return begin_known(h, s, e);
    bool begins = h->role == HTTP2_SERVER && (f->id & 1) == 1 && f->id > h->last_id;
    if (!begins || (h->drained && f->id > h->drain_id)) {
        http2_block_begin(&h->block, HTTP2_BLOCK_DROPPED);
        return judge_missing(h, e);
    }
    h->last_id = f->id;
    http2_budget_earn(&h->budgets, HTTP2_BUDGET_PRIORITIES);
    http2_budget_earn(&h->budgets, HTTP2_BUDGET_UNKNOWN);
    http2_budget_earn(&h->budgets, HTTP2_BUDGET_PINGS);
    http2_block_begin(&h->block, HTTP2_BLOCK_REQUEST);
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
        end_in(h, s);
    return kind;
}

/* A request that can be answered although it is refused: the answer says why. */
static enum http2_kind show_refused(struct http2 *h, struct http2_stream *s, struct http2_event *e)
{
    *e = (struct http2_event){.stream = s, .id = s->id, .code = HTTP2_CANCEL, .may_answer = true, .reason = h->block.reason, .detail = h->block.detail};
    s->in.head = s->deaf = true;
    s->in.ended = h->block.ends_stream;
    if (!http2_spend(h, e, HTTP2_BUDGET_RESETS))
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
    http2_block_end(&h->block, s != NULL && s->to_head);
    enum http2_kind kind = HTTP2_NONE;
    if (h->block.kind == HTTP2_BLOCK_REQUEST)
        kind = end_request(h, e);
    else if (s != NULL && h->block.kind != HTTP2_BLOCK_DROPPED)
        kind = end_known(h, s, e);
    else if (s != NULL && h->block.ends_stream && !s->in.ended)
        end_in(h, s); /* a deaf one */
    h->block.id = 0;
    return kind;
}

static const char *block_refusal(const struct http2 *h, size_t fragment)
{
    const struct http2_block *b = &h->block;
    if (b->n_bytes + fragment > b->max_bytes + HTTP2_BLOCK_EXTRA_BYTES)
        return "a header block far longer than allowed";
    if (b->n_frames > HTTP2_CONTINUATIONS + b->max_bytes / HTTP2_FRAME_BYTES)
        return "more CONTINUATION frames than allowed";
    return NULL;
}

static enum http2_kind read_fragment(struct http2 *h, struct span in, struct http2_event *e)
{
    struct http2_block *b = &h->block;
    struct http_field field;
    bool never, last = has(&h->frame, HTTP2_FLAG_END_HEADERS);
    const char *why = block_refusal(h, in.len);
    if (why != NULL)
        return http2_broken(h, e, HTTP2_ENHANCE_YOUR_CALM, why);
    if (in.len == 0 && !last && !http2_spend(h, e, HTTP2_BUDGET_EMPTY))
        return HTTP2_BAD;
    b->n_bytes += in.len;
    b->n_frames++;
    for (;;) {
        switch (http2_hpack_read(&h->hpack, &in, last, &field, &never)) {
        case HTTP2_HPACK_FIELD:
            http2_block_add(b, &field, never);
            if (b->n_seen > HTTP2_BLOCK_FIELDS)
                return http2_broken(h, e, HTTP2_ENHANCE_YOUR_CALM, "far more fields in a head than allowed");
            break;
        case HTTP2_HPACK_MORE:
            return HTTP2_NONE;
        case HTTP2_HPACK_END:
            return end_block(h, e);
        case HTTP2_HPACK_BAD:
            return http2_broken(h, e, HTTP2_COMPRESSION_ERROR, "a header block that is not HPACK");
        case HTTP2_HPACK_NO_MEMORY:
            return http2_no_memory(h, e);
        }
    }
}

/* The fragment of HEADERS without padding and priority, which is not followed (RFC 9113 section 5.3). */
static const char *strip(const struct http2_frame *f, struct span *payload)
{
    uint32_t padding = 0;
    if (has(f, HTTP2_FLAG_PADDED)) {
        if (payload->len == 0)
            return "a padded frame without the length of its padding";
        padding = payload->ptr[0];
        *payload = span_skip(*payload, 1);
    }
    if (has(f, HTTP2_FLAG_PRIORITY)) {
        if (payload->len < 5)
            return "a HEADERS frame without its priority";
        *payload = span_skip(*payload, 5);
    }
    if (padding > payload->len)
        return "more padding than the frame is long";
    payload->len -= padding;
    return NULL;
}

static enum http2_kind take_headers(struct http2 *h, struct span payload, struct http2_event *e)
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
    enum http2_kind kind = read_fragment(h, payload, e);
    if (begun != HTTP2_REFUSED || kind == HTTP2_BAD)
        return kind;
    *e = first;
    return begun;
}

/* ---- frames ---- */

/* What a frame's head alone tells. NULL, or a sentence; a block is not interrupted. */
static const char *frame_refusal(const struct http2 *h, uint32_t *code)
{
    const struct http2_frame *f = &h->frame;
    *code = HTTP2_FRAME_SIZE_ERROR;
    if (f->len > HTTP2_FRAME_BYTES)
        return "a frame larger than allowed";
    *code = HTTP2_PROTOCOL_ERROR;
    if (!h->greeted && (f->type != HTTP2_TYPE_SETTINGS || has(f, HTTP2_FLAG_ACK)))
        return "the first frame is not SETTINGS";
    if (h->block.id != 0 && (f->type != HTTP2_TYPE_CONTINUATION || f->id != h->block.id))
        return "a header block is interrupted by another frame";
    if (h->block.id == 0 && f->type == HTTP2_TYPE_CONTINUATION)
        return "CONTINUATION without HEADERS";
    return f->type == HTTP2_TYPE_PUSH_PROMISE ? "PUSH_PROMISE, which is not allowed" : NULL;
}

static enum http2_kind begin_frame(struct http2 *h, struct http2_event *e)
{
    struct http2_frame *f = &h->frame;
    const uint8_t *p = h->first;
    f->len = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
    f->type = p[3];
    f->flags = p[4];
    f->id = http2_get32(p + 5) & HTTP2_MAX_WINDOW;
    h->n_first = 0;
    uint32_t code;
    const char *why = frame_refusal(h, &code);
    if (why != NULL)
        return http2_broken(h, e, code, why);
    if (f->type == HTTP2_TYPE_DATA)
        return begin_data(h, e);
    h->left = f->len;
    if (f->type <= HTTP2_TYPE_CONTINUATION) {
        h->state = HTTP2_READ_PAYLOAD;
        return HTTP2_NONE;
    }
    h->state = HTTP2_READ_REST;
    return http2_spend(h, e, f->type == HTTP2_TYPE_PRIORITY_UPDATE ? HTTP2_BUDGET_PRIORITIES : HTTP2_BUDGET_UNKNOWN) ? HTTP2_NONE : HTTP2_BAD;
}

static enum http2_kind take_payload(struct http2 *h, struct span payload, struct http2_event *e)
{
    h->state = HTTP2_READ_FRAME;
    switch (h->frame.type) {
    case HTTP2_TYPE_HEADERS:
        return take_headers(h, payload, e);
    case HTTP2_TYPE_CONTINUATION:
        return read_fragment(h, payload, e);
    default:
        return http2_take_control(h, payload, e);
    }
}

/* A payload that is whole in the input is read in place; only a divided one is copied together. */
static enum http2_kind next_payload(struct http2 *h, struct span *in, struct http2_event *e)
{
    size_t n = h->left - h->part.len < in->len ? h->left - h->part.len : in->len;
    struct span piece = span_of(in->ptr, n);
    bool whole = h->part.len + n == h->left;
    *in = span_skip(*in, n);
    if (h->part.len == 0 && whole)
        return take_payload(h, piece, e);
    if (bytes_append_span(&h->part, piece) != 0)
        return http2_no_memory(h, e);
    return whole ? take_payload(h, bytes_span(&h->part), e) : HTTP2_MORE;
}

static enum http2_kind next_end(struct http2 *h, struct http2_event *e)
{
    struct http2_stream *s = h->ended;
    *e = (struct http2_event){.stream = s, .id = s->id};
    h->ended = NULL;
    http2_stream_settle(h, s);
    return HTTP2_END;
}

static enum http2_kind next_lost(struct http2 *h, struct http2_event *e)
{
    struct http2_stream *s = h->streams;
    while (!s->lost)
        s = s->next;
    s->lost = false;
    h->n_lost--;
    *e = (struct http2_event){.stream = s, .id = s->id, .code = HTTP2_REFUSED_STREAM, .unprocessed = true};
    return HTTP2_RESET;
}

enum http2_kind http2_next(struct http2 *h, struct span *in, struct http2_event *e)
{
    *e = (struct http2_event){.code = h->code, .reason = h->reason, .detail = h->detail};
    if (h->state == HTTP2_READ_NOTHING)
        return HTTP2_BAD;
    if (h->state == HTTP2_READ_FRAME && h->part.len > 0)
        bytes_clear(&h->part);
    if (h->ended != NULL)
        return next_end(h, e);
    if (h->n_lost > 0)
        return next_lost(h, e);
    if (h->state == HTTP2_READ_FRAME && collect(h, in, HTTP2_FRAME_HEAD)) {
        enum http2_kind kind = begin_frame(h, e);
        if (kind != HTTP2_NONE)
            return kind;
    }
    switch (h->state) {
    case HTTP2_READ_PREFACE:
        return next_preface(h, in, e);
    case HTTP2_READ_PAYLOAD:
        return next_payload(h, in, e);
    case HTTP2_READ_BODY:
        return next_body(h, in, e);
    case HTTP2_READ_REST:
        return next_rest(h, in, e);
    case HTTP2_READ_FRAME:
        return HTTP2_MORE;
    case HTTP2_READ_NOTHING:
        break;
    }
    return HTTP2_BAD;
}
