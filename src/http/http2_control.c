/* SPDX-License-Identifier: Apache-2.0 */
/* Frames without content: SETTINGS, PING, WINDOW_UPDATE, RST_STREAM, GOAWAY, PRIORITY (RFC 9113 section 6). */
#include "http2_internal.h"

#include <string.h>

static enum http2_kind size_is_wrong(struct http2 *h, struct http2_event *e)
{
    return http2_broken(h, e, HTTP2_FRAME_SIZE_ERROR, "a frame whose length does not fit its type");
}

static enum http2_kind stream_is_wrong(struct http2 *h, struct http2_event *e)
{
    return http2_broken(h, e, HTTP2_PROTOCOL_ERROR, "a frame whose stream does not fit its type");
}

/* ---- SETTINGS ---- */

/* The peer's initial window changes those of all streams; they may become negative (RFC 9113 section 6.9.2). */
static const char *set_window(struct http2 *h, uint32_t value, uint32_t *code)
{
    int64_t change = (int64_t)value - h->peer_first_window;
    *code = HTTP2_FLOW_CONTROL_ERROR;
    if (value > HTTP2_MAX_WINDOW)
        return "SETTINGS with a window larger than there can be";
    for (struct http2_stream *s = h->streams; s != NULL; s = s->next) {
        if (s->closed)
            continue;
        if (s->window + change > HTTP2_MAX_WINDOW)
            return "SETTINGS make a window larger than there can be";
        s->window += change;
        http2_make_ready(h, s);
    }
    h->peer_first_window = value;
    return NULL;
}

static const char *set(struct http2 *h, uint16_t name, uint32_t value, uint32_t *code)
{
    *code = HTTP2_PROTOCOL_ERROR;
    switch (name) {
    case HTTP2_SETTING_TABLE_BYTES:
        *code = HTTP2_INTERNAL_ERROR;
        http2_written_forget(&h->written);
        return http2_hpack_limit(&h->hpack, value) == 0 ? NULL : "out of memory";
    case HTTP2_SETTING_PUSH:
        return value > 1 || (value == 1 && h->role == HTTP2_CLIENT) ? "SETTINGS with a value for push that may not be" : NULL;
    case HTTP2_SETTING_STREAMS:
        h->peer_streams = value;
        return NULL;
    case HTTP2_SETTING_WINDOW:
        return set_window(h, value, code);
    case HTTP2_SETTING_FRAME_BYTES:
        return value < HTTP2_FRAME_BYTES || value > 0xffffff ? "SETTINGS with a frame size that may not be" : NULL;
    case HTTP2_SETTING_HEAD_BYTES:
        h->peer_head_bytes = value;
        return NULL;
    case HTTP2_SETTING_CONNECT_PROTOCOL:
        if (value > 1 || (value == 0 && h->extended_connect))
            return "SETTINGS with a value for extended CONNECT that may not be";
        h->extended_connect = value == 1;
        return NULL;
    default: /* those we do not know are ignored (RFC 9113 section 6.5.2) */
        return NULL;
    }
}

static enum http2_kind take_settings(struct http2 *h, struct span payload, struct http2_event *e)
{
    if (h->frame.id != 0)
        return stream_is_wrong(h, e);
    if (!http2_spend(h, e, HTTP2_BUDGET_SETTINGS))
        return HTTP2_BAD;
    if ((h->frame.flags & HTTP2_FLAG_ACK) != 0) {
        h->unacknowledged_us = UINT64_MAX;
        return payload.len == 0 ? HTTP2_NONE : size_is_wrong(h, e);
    }
    if (payload.len % 6 != 0)
        return size_is_wrong(h, e);
    if (payload.len / 6 > HTTP2_SETTINGS_IN_FRAME)
        return http2_broken(h, e, HTTP2_ENHANCE_YOUR_CALM, "more settings in one frame than allowed");
    if (!h->greeted && h->role == HTTP2_CLIENT)
        h->unacknowledged_us = h->now_us;
    h->greeted = true;
    for (; payload.len > 0; payload = span_skip(payload, 6)) {
        uint32_t code;
        const char *why = set(h, (uint16_t)(payload.ptr[0] << 8 | payload.ptr[1]), http2_get32(payload.ptr + 2), &code);
        if (why != NULL)
            return code == HTTP2_INTERNAL_ERROR ? http2_no_memory(h, e) : http2_broken(h, e, code, why);
    }
    return http2_send_frame(h, HTTP2_TYPE_SETTINGS, HTTP2_FLAG_ACK, 0, span_of(NULL, 0)) == 0 ? HTTP2_NONE : http2_no_memory(h, e);
}

uint64_t http2_unacknowledged_us(const struct http2 *h)
{
    return h->state != HTTP2_READ_NOTHING ? h->unacknowledged_us : UINT64_MAX;
}

void http2_settings_late(struct http2 *h)
{
    struct http2_event e;
    if (h->state != HTTP2_READ_NOTHING)
        http2_broken(h, &e, HTTP2_SETTINGS_TIMEOUT, "the peer did not acknowledge SETTINGS in time");
}

/* ---- PING ---- */

static const uint8_t our_ping[8] = {'m', 't', 'l', 's', 'd'};

void http2_ping(struct http2 *h)
{
    if (h->pinging || h->state == HTTP2_READ_NOTHING)
        return;
    h->pinging = true;
    if (http2_send_frame(h, HTTP2_TYPE_PING, 0, 0, span_of(our_ping, sizeof(our_ping))) != 0)
        h->queue.failed = true;
}

/* The round trip is over: whatever the client sent before it heard of the shutdown has arrived. */
static void end_drain(struct http2 *h)
{
    h->drained = true;
    h->drain_id = h->last_id;
    if (http2_send_goaway(h, h->last_id, HTTP2_NO_ERROR, "") != 0)
        h->queue.failed = true;
}

void http2_shutdown(struct http2 *h)
{
    if (h->draining || h->state == HTTP2_READ_NOTHING)
        return;
    h->draining = true;
    h->drain_us = h->now_us;
    if (h->role == HTTP2_CLIENT) { /* the server begins no streams */
        end_drain(h);
        return;
    }
    if (http2_send_goaway(h, HTTP2_MAX_WINDOW, HTTP2_NO_ERROR, "") != 0)
        h->queue.failed = true;
    http2_ping(h);
}

uint64_t http2_shutdown_us(const struct http2 *h)
{
    return h->draining && !h->drained && h->state != HTTP2_READ_NOTHING ? h->drain_us : UINT64_MAX;
}

void http2_shutdown_now(struct http2 *h)
{
    if (h->drained || h->state == HTTP2_READ_NOTHING)
        return;
    h->draining = true;
    end_drain(h);
}

static enum http2_kind take_ping(struct http2 *h, struct span payload, struct http2_event *e)
{
    if (h->frame.id != 0)
        return stream_is_wrong(h, e);
    if (payload.len != sizeof(our_ping))
        return size_is_wrong(h, e);
    if (!http2_spend(h, e, HTTP2_BUDGET_PINGS))
        return HTTP2_BAD;
    if ((h->frame.flags & HTTP2_FLAG_ACK) == 0)
        return http2_send_frame(h, HTTP2_TYPE_PING, HTTP2_FLAG_ACK, 0, payload) == 0 ? HTTP2_NONE : http2_no_memory(h, e);
    if (!h->pinging || memcmp(payload.ptr, our_ping, sizeof(our_ping)) != 0)
        return HTTP2_NONE;
    h->pinging = false;
    if (h->draining && !h->drained)
        end_drain(h);
    return HTTP2_PONG;
}

/* ---- frames about streams ---- */

/* The stream that a frame is about; NULL: it has ended, and the frame is counted and dropped, unless *kind is BAD. */
static struct http2_stream *find(struct http2 *h, struct http2_event *e, enum http2_kind *kind)
{
    struct http2_stream *s = http2_stream_find(h, h->frame.id);
    bool ours = (h->frame.id & 1) == (h->role == HTTP2_CLIENT);
    bool idle = ours ? h->role == HTTP2_SERVER || h->frame.id >= h->next_id : h->frame.id > h->last_id;
    *kind = HTTP2_NONE;
    if (s == NULL && idle && !(h->drained && h->frame.id > h->drain_id))
        *kind = http2_broken(h, e, HTTP2_PROTOCOL_ERROR, "a frame of a stream that never began");
    return s;
}

static enum http2_kind take_reset(struct http2 *h, struct span payload, struct http2_event *e)
{
    enum http2_kind kind;
    if (payload.len != 4)
        return size_is_wrong(h, e);
    if (h->frame.id == 0)
        return stream_is_wrong(h, e);
    struct http2_stream *s = find(h, e, &kind);
    if (kind == HTTP2_BAD || (s == NULL && !http2_spend(h, e, HTTP2_BUDGET_STALE)))
        return HTTP2_BAD;
    if (h->role == HTTP2_SERVER && s != NULL && !http2_spend_some(h, e, HTTP2_BUDGET_RESETS, HTTP2_COST_RESET))
        return HTTP2_BAD;
    if (s == NULL)
        return HTTP2_NONE;
    uint32_t code = http2_get32(payload.ptr);
    bool told = !s->released;
    *e = (struct http2_event){.stream = s, .id = s->id, .code = code, .unprocessed = code == HTTP2_REFUSED_STREAM};
    s->in.ended = s->out.ended = true;
    http2_stream_close(h, s);
    return told ? HTTP2_RESET : http2_untold(e);
}

static enum http2_kind open_window(struct http2 *h, struct http2_stream *s, uint32_t more, struct http2_event *e)
{
    if (more == 0)
        return http2_refuse(h, s, HTTP2_PROTOCOL_ERROR, "WINDOW_UPDATE by nothing", e);
    if (s->window + more > HTTP2_MAX_WINDOW)
        return http2_refuse(h, s, HTTP2_FLOW_CONTROL_ERROR, "a window larger than there can be", e);
    s->window += more;
    http2_make_ready(h, s);
    return HTTP2_NONE;
}

static enum http2_kind take_window_update(struct http2 *h, struct span payload, struct http2_event *e)
{
    enum http2_kind kind = HTTP2_NONE;
    if (payload.len != 4)
        return size_is_wrong(h, e);
    if (!http2_spend(h, e, HTTP2_BUDGET_WINDOWS))
        return HTTP2_BAD;
    uint32_t more = http2_get32(payload.ptr) & HTTP2_MAX_WINDOW;
    struct http2_stream *s = h->frame.id != 0 ? find(h, e, &kind) : NULL;
    if (kind == HTTP2_BAD || (h->frame.id != 0 && s == NULL)) /* of ended streams they are usual */
        return kind;
    if (s != NULL)
        return open_window(h, s, more, e);
    if (more == 0)
        return http2_broken(h, e, HTTP2_PROTOCOL_ERROR, "WINDOW_UPDATE by nothing");
    if (h->window + more > HTTP2_MAX_WINDOW)
        return http2_broken(h, e, HTTP2_FLOW_CONTROL_ERROR, "a window larger than there can be");
    h->window += more;
    h->opened_us = h->now_us;
    return HTTP2_NONE;
}

/* ---- GOAWAY ---- */

static enum http2_kind take_goaway(struct http2 *h, struct span payload, struct http2_event *e)
{
    if (h->frame.id != 0)
        return stream_is_wrong(h, e);
    if (payload.len < 8)
        return size_is_wrong(h, e);
    if (!http2_spend(h, e, HTTP2_BUDGET_SETTINGS))
        return HTTP2_BAD;
    uint32_t last = http2_get32(payload.ptr) & HTTP2_MAX_WINDOW;
    h->goaway_came = true;
    *e = (struct http2_event){.code = http2_get32(payload.ptr + 4), .data = span_skip(payload, 8)};
    struct http2_stream *next = h->streams;
    while (h->role == HTTP2_CLIENT && next != NULL) {
        struct http2_stream *s = next;
        next = s->next;
        if (s->closed || s->id <= last)
            continue;
        s->lost = !s->released;
        h->n_lost += s->lost;
        s->in.ended = s->out.ended = true;
        http2_stream_close(h, s);
    }
    return HTTP2_GOAWAY;
}

enum http2_kind http2_take_control(struct http2 *h, struct span payload, struct http2_event *e)
{
    if (h->answers > HTTP2_ANSWER_BYTES)
        return http2_broken(h, e, HTTP2_ENHANCE_YOUR_CALM, "the peer does not read the answers to its frames");
    switch (h->frame.type) {
    case HTTP2_TYPE_SETTINGS:
        return take_settings(h, payload, e);
    case HTTP2_TYPE_PING:
        return take_ping(h, payload, e);
    case HTTP2_TYPE_RST_STREAM:
        return take_reset(h, payload, e);
    case HTTP2_TYPE_WINDOW_UPDATE:
        return take_window_update(h, payload, e);
    case HTTP2_TYPE_GOAWAY:
        return take_goaway(h, payload, e);
    default: /* PRIORITY, which is not followed: nothing can loop */
        if (h->frame.id == 0)
            return stream_is_wrong(h, e);
        if (payload.len != 5)
            return size_is_wrong(h, e);
        return http2_spend(h, e, HTTP2_BUDGET_PRIORITIES) ? HTTP2_NONE : HTTP2_BAD;
    }
}
