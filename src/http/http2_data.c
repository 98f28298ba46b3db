/* SPDX-License-Identifier: Apache-2.0 */
/* DATA that comes, and the windows that we gave for it (RFC 9113 sections 5.2 and 6.1). */
#include "http2_internal.h"

#include <assert.h>

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

/* ---- frames ---- */

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
    if (!http2_has(f, HTTP2_FLAG_PADDED) && is_too_long(s, f->len))
        return too_long;
    *code = HTTP2_FLOW_CONTROL_ERROR;
    return s->given < 0 ? "more DATA than the stream's window allows" : NULL;
}

/* A frame with content allows for some without, which cost the peer nothing (CVE-2019-9518). Padding is no content. */
static bool count_content(struct http2 *h, struct http2_event *e, uint32_t n)
{
    if (n == 0)
        return http2_has(&h->frame, HTTP2_FLAG_END_STREAM) || http2_spend(h, e, HTTP2_BUDGET_EMPTY);
    http2_budget_earn(&h->budgets, HTTP2_BUDGET_EMPTY);
    http2_budget_earn(&h->budgets, HTTP2_BUDGET_PINGS);
    return true;
}

enum http2_kind http2_begin_data(struct http2 *h, struct http2_event *e)
{
    const struct http2_frame *f = &h->frame;
    if (f->id == 0)
        return http2_broken(h, e, HTTP2_PROTOCOL_ERROR, "DATA without a stream");
    h->given -= f->len;
    if (h->given < 0)
        return http2_broken(h, e, HTTP2_FLOW_CONTROL_ERROR, "more DATA than the connection's window allows");
    struct http2_stream *s = http2_stream_find(h, f->id);
    h->left = f->len;
    if (s == NULL) {
        if (f->len == 0 && !count_content(h, e, 0))
            return HTTP2_BAD;
        enum http2_kind kind = http2_judge_missing(h, e);
        return kind == HTTP2_NONE ? drop_data(h) : kind;
    }
    uint32_t code;
    s->given -= (int32_t)f->len;
    const char *why = data_refusal(s, f, &code);
    if (why != NULL) {
        drop_data(h);
        return http2_refuse(h, s, code, why, e);
    }
    if (!http2_has(f, HTTP2_FLAG_PADDED) && !count_content(h, e, f->len))
        return HTTP2_BAD;
    h->body = s;
    h->body_ends = http2_has(f, HTTP2_FLAG_END_STREAM);
    h->padding = 0;
    h->n_first = http2_has(f, HTTP2_FLAG_PADDED) ? 1 : 0; /* the length of the padding is to come */
    if (h->n_first == 1 && f->len == 0)
        return http2_broken(h, e, HTTP2_FRAME_SIZE_ERROR, "a padded frame without the length of its padding");
    h->state = HTTP2_READ_BODY;
    return HTTP2_NONE;
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
    http2_end_in(h, s);
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
    if (!count_content(h, e, h->left))
        return HTTP2_BAD;
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
        http2_give_back(h, s->resting ? NULL : s, data.len);
        return HTTP2_NONE;
    }
    s->left -= s->counts ? data.len : 0;
    s->unread += (uint32_t)data.len;
    *e = (struct http2_event){.stream = s, .id = s->id, .data = data};
    return HTTP2_DATA;
}

enum http2_kind http2_next_body(struct http2 *h, struct span *in, struct http2_event *e)
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

enum http2_kind http2_next_rest(struct http2 *h, struct span *in, struct http2_event *e)
{
    size_t n = h->left < in->len ? h->left : in->len;
    *in = span_skip(*in, n);
    h->left -= (uint32_t)n;
    if (h->left > 0)
        return HTTP2_MORE;
    return end_data(h, e);
}
