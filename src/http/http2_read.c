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
    h->unacknowledged_us = h->now_us;
    return HTTP2_NONE;
}

/* ---- refusals of one stream ---- */

enum http2_kind http2_refuse(struct http2 *h, struct http2_stream *s, uint32_t code, const char *detail, struct http2_event *e)
{
    *e = (struct http2_event){.stream = s->released ? NULL : s, .id = s->id, .code = code, .detail = detail};
    e->reason = h->role == HTTP2_SERVER ? REASON_REQUEST_MALFORMED : REASON_UPSTREAM_PROTOCOL;
    bool told = !s->released;
    http2_reset(h, s, code);
    if (h->role == HTTP2_SERVER && !http2_spend_some(h, e, HTTP2_BUDGET_RESETS, HTTP2_COST_RESET))
        return HTTP2_BAD;
    return told ? HTTP2_REFUSED : http2_untold(e);
}

/* The event for a frame of a stream that is not there. HTTP2_NONE: it is dropped. */
enum http2_kind http2_judge_missing(struct http2 *h, struct http2_event *e)
{
    bool ours = (h->frame.id & 1) == (h->role == HTTP2_CLIENT);
    bool idle = ours ? h->role == HTTP2_SERVER || h->frame.id >= h->next_id : h->frame.id > h->last_id;
    if (idle && !(h->drained && h->frame.id > h->drain_id))
        return http2_broken(h, e, HTTP2_PROTOCOL_ERROR, "a frame of a stream that never began");
    if (!idle && !http2_was_reset(h, h->frame.id))
        return http2_broken(h, e, HTTP2_STREAM_CLOSED, "a frame of a stream that has ended");
    return http2_spend(h, e, HTTP2_BUDGET_STALE) ? HTTP2_NONE : HTTP2_BAD;
}

/* The peer's END_STREAM: END is the next event. */
void http2_end_in(struct http2 *h, struct http2_stream *s)
{
    s->in.ended = true;
    if (!s->deaf)
        h->ended = s;
    else
        http2_stream_settle(h, s);
}

/* ---- frames ---- */

/* Checks a frame's head alone. NULL, or a sentence about its fault; a block is not interrupted. */
static const char *frame_refusal(const struct http2 *h, uint32_t *code)
{
    const struct http2_frame *f = &h->frame;
    *code = HTTP2_FRAME_SIZE_ERROR;
    if (f->len > HTTP2_FRAME_BYTES)
        return "a frame larger than allowed";
    *code = HTTP2_PROTOCOL_ERROR;
    if (!h->greeted && (f->type != HTTP2_TYPE_SETTINGS || http2_has(f, HTTP2_FLAG_ACK)))
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
        return http2_begin_data(h, e);
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
        return http2_take_headers(h, payload, e);
    case HTTP2_TYPE_CONTINUATION:
        return http2_read_fragment(h, payload, e);
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

/* Data that the last event lent ends its life. */
static void forget_shown(struct http2 *h)
{
    if (h->part.len > 0)
        bytes_clear(&h->part);
    if (h->block.id == 0 && h->block.cap > HTTP2_HEAD_KEPT_BYTES)
        http2_block_clear(&h->block);
}

enum http2_kind http2_next(struct http2 *h, struct span *in, struct http2_event *e)
{
    *e = (struct http2_event){.code = h->code, .reason = h->reason, .detail = h->detail};
    if (h->state == HTTP2_READ_NOTHING)
        return HTTP2_BAD;
    if (h->state == HTTP2_READ_FRAME)
        forget_shown(h);
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
        return http2_next_body(h, in, e);
    case HTTP2_READ_REST:
        return http2_next_rest(h, in, e);
    case HTTP2_READ_FRAME:
        return HTTP2_MORE;
    case HTTP2_READ_NOTHING:
        break;
    }
    return HTTP2_BAD;
}
