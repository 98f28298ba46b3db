/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_drive.h"

#include "http2_frames.h"

#include <assert.h>
#include <string.h>

enum { HELD = 256 };

struct drive {
    struct http2 *h;
    uint64_t told;
    struct http2_stream *held[HELD]; /* by number */
    size_t unread[HELD];
};

static void tell(struct drive *d, uint64_t what)
{
    d->told = (d->told ^ what) * 1099511628211U;
}

static void ask(struct drive *d, unsigned i)
{
    struct http_field host = {span_from_str("host"), span_from_str("a")};
    struct http_head head = {.request = true, .minor = 1, .method = span_from_str(i == 2 ? "HEAD" : "GET"), .target = span_from_str("/"), .fields = &host, .n_fields = 1};
    struct http_outgoing o = {.head = &head, .scheme = span_from_str("https"), .framing = i == 1 ? HTTP_CHUNKED : HTTP_NO_BODY};
    d->held[i] = http2_request(d->h, &o, NULL);
}

static void begin(struct drive *d, enum http2_role role)
{
    static const struct http2_limits limits = {.max_head_bytes = 2000, .max_fields = 16, .extended_connect = true};
    struct bytes first = {.max = 100};
    struct http2_event e;
    memset(d, 0, sizeof(*d));
    d->told = 1;
    d->h = http2_new(role, &limits);
    for (unsigned i = 0; role == HTTP2_CLIENT && i < 3; i++)
        ask(d, i);
    http2_frames(&first, role == HTTP2_SERVER ? "PRI\nS" : "S");
    struct span in = bytes_span(&first);
    while (http2_next(d->h, &in, &e) != HTTP2_MORE)
        ;
    bytes_clear(&first);
}

/* The place of a stream that is held. */
static size_t place_of(struct drive *d, struct http2_stream *s)
{
    size_t free_place = HELD;
    for (size_t i = 0; i < HELD; i++) {
        if (d->held[i] == s)
            return i;
        if (d->held[i] == NULL && free_place == HELD)
            free_place = i;
    }
    assert(free_place < HELD);
    d->held[free_place] = s;
    d->unread[free_place] = 0;
    return free_place;
}

static void let_go(struct drive *d, size_t place)
{
    http2_release(d->h, d->held[place]);
    d->held[place] = NULL;
}

uint64_t http2_drive(enum http2_role role, struct span bytes, size_t step, http2_drive_fn on_event)
{
    struct drive d;
    enum http2_kind kind = HTTP2_NONE;
    begin(&d, role);
    for (; bytes.len > 0 && kind != HTTP2_BAD; bytes = span_skip(bytes, step)) {
        struct span in = span_of(bytes.ptr, bytes.len < step ? bytes.len : step);
        struct http2_event e;
        while ((kind = http2_next(d.h, &in, &e)) != HTTP2_MORE && kind != HTTP2_BAD) {
            if (on_event != NULL)
                on_event(kind, &e);
            for (size_t i = 0; kind == HTTP2_DATA && i < e.data.len; i++)
                tell(&d, e.data.ptr[i] + 256U * e.id);
            if (kind != HTTP2_DATA && kind != HTTP2_NONE)
                tell(&d, (uint64_t)kind + 16U * e.id + 1000U * e.code + (e.head != NULL ? e.head->n_fields * 77U : 0));
            if (kind == HTTP2_DATA)
                http2_consumed(d.h, e.stream, e.data.len);
            if (e.stream != NULL && (kind == HTTP2_RESET || kind == HTTP2_REFUSED))
                let_go(&d, place_of(&d, e.stream));
        }
        assert(http2_queued(d.h) < 1 << 20);
    }
    tell(&d, http2_streams(d.h) * 3 + (uint64_t)http2_reason(d.h));
    http2_free(d.h);
    return d.told;
}

void http2_drive_take(struct http2 *h, struct bytes *out)
{
    struct gather g;
    struct span run;
    gather_init(&g, 1 << 24);
    assert(http2_fill(h, &g, 1 << 20) == 0 && http2_settle(h) == 0);
    while (gather_runs(&g, &run, 1) > 0) {
        bytes_append_span(out, run);
        gather_consume(&g, run.len);
    }
    gather_clear(&g);
}

/* What a caller does about an event, a little late. */
static void react(struct drive *d, enum http2_role role, enum http2_kind kind, const struct http2_event *e)
{
    struct http_head head = {.minor = 1, .status = 200};
    if (e->stream == NULL)
        return;
    size_t at = place_of(d, e->stream);
    bool answers = role == HTTP2_SERVER && (kind == HTTP2_HEAD || (kind == HTTP2_REFUSED && e->may_answer));
    if (answers && http2_respond(d->h, e->stream, &(struct http_outgoing){.head = &head, .framing = HTTP_CHUNKED}) != 0) {
        let_go(d, at); /* SETTINGS_MAX_HEADER_LIST_SIZE allows no head */
        return;
    }
    d->unread[at] += e->data.len;
    if (kind == HTTP2_DATA && role == HTTP2_SERVER)
        assert(http2_write(d->h, e->stream, e->data) == 0);
    if (d->unread[at] > 100) {
        http2_consumed(d->h, e->stream, d->unread[at]);
        d->unread[at] = 0;
    }
    if (kind == HTTP2_END || (kind == HTTP2_REFUSED && e->may_answer))
        assert(http2_write_end(d->h, e->stream, NULL, NULL) == 0);
    if (kind == HTTP2_RESET || kind == HTTP2_END || kind == HTTP2_REFUSED)
        let_go(d, at);
}

void http2_drive_back(enum http2_role role, struct span bytes, size_t step)
{
    struct drive d;
    enum http2_kind kind = HTTP2_NONE;
    struct http2_reader *reader = http2_reader_new();
    struct bytes wire = {.max = 1 << 24}, text = {.max = 1 << 24};
    begin(&d, role);
    for (; bytes.len > 0 && kind != HTTP2_BAD; bytes = span_skip(bytes, step)) {
        struct span in = span_of(bytes.ptr, bytes.len < step ? bytes.len : step);
        struct http2_event e;
        while ((kind = http2_next(d.h, &in, &e)) != HTTP2_MORE && kind != HTTP2_BAD)
            react(&d, role, kind, &e);
        http2_drive_take(d.h, &wire);
        http2_reader_say(reader, bytes_span(&wire), &text);
        bytes_clear(&wire);
        bytes_clear(&text);
    }
    if (bytes.len % 2 == 0)
        http2_shutdown(d.h);
    for (size_t i = 0; i < HELD; i++)
        if (d.held[i] != NULL)
            let_go(&d, i);
    http2_drive_take(d.h, &wire);
    http2_reader_say(reader, bytes_span(&wire), &text);
    bytes_clear(&wire);
    bytes_clear(&text);
    http2_reader_free(reader);
    http2_free(d.h);
}
