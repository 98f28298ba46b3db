/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_talk.h"

#include "http2_frames.h"

#include <assert.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

void http2_talk_start(struct http2_talk *t, enum http2_role role, const struct http2_limits *limits)
{
    static const struct http2_limits usual = {.max_head_bytes = 4096, .max_fields = 32};
    memset(t, 0, sizeof(*t));
    t->h = http2_new(role, limits != NULL ? limits : &usual);
    ck_assert_ptr_nonnull(t->h);
    t->reader = http2_reader_new();
    t->release = true;
    bytes_init(&t->said, 1 << 22);
    bytes_init(&t->sent, 1 << 22);
    gather_init(&t->out, 1 << 24);
}

void http2_talk_end(struct http2_talk *t)
{
    http2_free(t->h);
    http2_reader_free(t->reader);
    bytes_clear(&t->said);
    bytes_clear(&t->sent);
    gather_clear(&t->out);
}

static struct http2_stream **slot(struct http2_talk *t, uint32_t id)
{
    static struct http2_stream *none;
    return id < 128 && (id & 1) == 1 ? &t->streams[id / 2] : &none;
}

struct http2_stream *http2_talk_stream(struct http2_talk *t, uint32_t id)
{
    return *slot(t, id);
}

static void say_head(struct http2_talk *t, const struct http_head *head)
{
    static const char *const framings[] = {"none", "length", "open", "close"};
    if (head->request)
        bytes_printf(&t->said, " %.*s %.*s", (int)head->method.len, (const char *)head->method.ptr, (int)head->target.len, (const char *)head->target.ptr);
    else if (head->status != 0)
        bytes_printf(&t->said, " %u", head->status);
    if (head->request || head->status != 0)
        bytes_printf(&t->said, " %s", framings[head->framing]);
    if (head->framing == HTTP_LENGTH)
        bytes_printf(&t->said, " %llu", (unsigned long long)head->length);
    if (head->protocol.len > 0)
        bytes_printf(&t->said, " to %.*s", (int)head->protocol.len, (const char *)head->protocol.ptr);
    for (size_t i = 0; i < head->n_fields; i++)
        bytes_printf(&t->said, "%s%.*s=%.*s", i == 0 ? " " : "|", (int)head->fields[i].name.len, (const char *)head->fields[i].name.ptr,
                     (int)head->fields[i].value.len, (const char *)head->fields[i].value.ptr);
}

static void say_event(struct http2_talk *t, enum http2_kind kind, const struct http2_event *e)
{
    static const char *const words[] = {"MORE", "NONE", "HEAD", "INTERIM", "DATA", "TRAILERS", "END", "RESET", "REFUSED", "PONG", "GOAWAY", "BAD"};
    bool goes_on = kind == HTTP2_DATA && t->in_data == e->id;
    if (t->in_data != 0 && !goes_on)
        bytes_append_str(&t->said, "\n");
    t->in_data = kind == HTTP2_DATA ? e->id : 0;
    if (!goes_on)
        bytes_append_str(&t->said, words[kind]);
    if (e->id != 0 && !goes_on)
        bytes_printf(&t->said, "%u", e->id);
    if (e->head != NULL)
        say_head(t, e->head);
    if (kind == HTTP2_DATA || kind == HTTP2_GOAWAY)
        bytes_printf(&t->said, "%s%.*s", goes_on ? "" : " ", (int)e->data.len, (const char *)e->data.ptr);
    if (kind == HTTP2_RESET || kind == HTTP2_REFUSED || kind == HTTP2_GOAWAY || kind == HTTP2_BAD)
        bytes_printf(&t->said, " %u", e->code);
    if (e->unprocessed)
        bytes_append_str(&t->said, " unprocessed");
    if (e->may_answer)
        bytes_append_str(&t->said, " answer");
    if (e->detail != NULL)
        bytes_printf(&t->said, " %s", e->detail);
    if (kind != HTTP2_DATA)
        bytes_append_str(&t->said, "\n");
}

static void follow(struct http2_talk *t, enum http2_kind kind, const struct http2_event *e)
{
    if (e->stream == NULL)
        return;
    struct http2_stream **at = slot(t, e->id);
    *at = e->stream;
    if (kind == HTTP2_DATA && !t->keep_unread)
        http2_consumed(t->h, e->stream, e->data.len);
    if (t->release && (kind == HTTP2_RESET || (kind == HTTP2_REFUSED && !e->may_answer))) {
        http2_release(t->h, e->stream);
        *at = NULL;
    }
}

void http2_talk_read(struct http2_talk *t, struct span bytes, size_t step)
{
    enum http2_kind kind = HTTP2_NONE;
    while (bytes.len > 0 && kind != HTTP2_BAD) {
        struct span piece = span_of(bytes.ptr, bytes.len < step ? bytes.len : step);
        uint8_t *own = malloc(piece.len); /* so that a read beyond it is seen */
        assert(own != NULL);
        memcpy(own, piece.ptr, piece.len);
        struct span in = span_of(own, piece.len);
        struct http2_event e;
        while ((kind = http2_next(t->h, &in, &e)) != HTTP2_MORE) {
            if (kind != HTTP2_NONE && !t->bad)
                say_event(t, kind, &e);
            follow(t, kind, &e);
            t->bad = kind == HTTP2_BAD;
            if (t->bad)
                break;
        }
        ck_assert(kind == HTTP2_BAD || in.len == 0);
        free(own);
        bytes = span_skip(bytes, piece.len);
    }
}

void http2_talk_script(struct http2_talk *t, const char *script)
{
    struct bytes bytes;
    bytes_init(&bytes, 1 << 24);
    http2_frames(&bytes, script);
    http2_talk_read(t, bytes_span(&bytes), bytes.len);
    bytes_clear(&bytes);
}

const char *http2_talk_sent(struct http2_talk *t)
{
    struct span run;
    bytes_clear(&t->sent);
    ck_assert_int_eq(http2_fill(t->h, &t->out, 1 << 20), 0);
    ck_assert_int_eq(http2_settle(t->h), 0);
    while (gather_runs(&t->out, &run, 1) > 0) {
        http2_reader_say(t->reader, run, &t->sent);
        gather_consume(&t->out, run.len);
    }
    bytes_append(&t->sent, "", 1);
    return (const char *)bytes_span(&t->sent).ptr;
}

const char *http2_talk_said(struct http2_talk *t)
{
    static char text[1 << 16];
    if (t->in_data != 0)
        bytes_append_str(&t->said, "\n");
    struct span said = bytes_span(&t->said);
    ck_assert_uint_lt(said.len, sizeof(text));
    if (said.len > 0)
        memcpy(text, said.ptr, said.len);
    text[said.len] = '\0';
    bytes_clear(&t->said);
    t->in_data = 0;
    return text;
}

int http2_talk_respond(struct http2_talk *t, uint32_t id, const char *fields, enum http_framing framing, uint64_t length)
{
    struct http_field list[16];
    struct http_head head = {.minor = 1, .status = (unsigned)strtoul(fields, NULL, 10), .fields = list, .framing = framing, .length = length};
    for (const char *at = strchr(fields, '|'); at != NULL && head.n_fields < 16;) {
        const char *sign = strchr(at, '='), *end = strchr(sign, '|');
        size_t n = end != NULL ? (size_t)(end - sign) - 1 : strlen(sign + 1);
        list[head.n_fields++] = (struct http_field){span_of(at + 1, (size_t)(sign - at) - 1), span_of(sign + 1, n)};
        at = end;
    }
    return http2_respond(t->h, http2_talk_stream(t, id), &(struct http_outgoing){.head = &head, .framing = framing, .length = length});
}
