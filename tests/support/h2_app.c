/* SPDX-License-Identifier: Apache-2.0 */
#include "h2_app.h"

#include "raw_tls.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { OUT_MAX = 16 * 1024 * 1024, FIELDS = 16, ROUNDS = 100000 };

void h2_app_open(struct h2_app *app, struct wire *w)
{
    static const struct http2_limits limits = {.max_head_bytes = 64 * 1024, .max_fields = 100};
    *app = (struct h2_app){.wire = w, .h2 = http2_new(HTTP2_CLIENT, &limits)};
    ck_assert_ptr_nonnull(app->h2);
    app->socket = wire_connect(w);
    wire_speaker_free(app->socket->speaker); /* it speaks for itself */
    app->socket->speaker = app->socket->up.speaker = NULL;
}

void h2_app_close(struct h2_app *app)
{
    for (size_t i = 0; i < app->n; i++)
        bytes_clear(&app->streams[i].body);
    http2_free(app->h2);
}

static struct h2_app_stream *begin(struct h2_app *app, struct http_head *head, const char *const *fields, enum http_framing framing, const char *protocol)
{
    struct http_field list[FIELDS] = {{span_from_str("Host"), span_from_str("x")}};
    size_t n = 1;
    for (; fields != NULL && fields[0] != NULL; fields += 2)
        list[n++] = (struct http_field){span_from_str(fields[0]), span_from_str(fields[1])};
    head->fields = list;
    head->n_fields = n;
    struct http_outgoing o = {.head = head, .scheme = span_from_str("http"), .framing = framing, .wants_trailers = true, .protocol = span_from_str(protocol)};
    ck_assert_uint_lt(app->n, H2_APP_STREAMS);
    struct h2_app_stream *s = &app->streams[app->n++];
    *s = (struct h2_app_stream){0};
    bytes_init(&s->body, OUT_MAX);
    s->stream = http2_request(app->h2, &o, s);
    ck_assert_ptr_nonnull(s->stream);
    return s;
}

struct h2_app_stream *h2_app_ask(struct h2_app *app, const char *method, const char *path, const char *body, const char *const *fields)
{
    struct http_head head = {.request = true, .minor = 1, .method = span_from_str(method), .target = span_from_str(path)};
    struct h2_app_stream *s = begin(app, &head, fields, body == NULL ? HTTP_NO_BODY : HTTP_CHUNKED, "");
    if (body != NULL)
        h2_app_send(app, s, body, body[0] != '\0');
    return s;
}

struct h2_app_stream *h2_app_connect(struct h2_app *app, const char *protocol, const char *path, const char *const *fields)
{
    struct http_head head = {.request = true, .minor = 1, .method = span_from_str("GET"), .target = span_from_str(path)};
    return begin(app, &head, fields, HTTP_CHUNKED, protocol);
}

void h2_app_send(struct h2_app *app, struct h2_app_stream *s, const char *text, bool ends)
{
    ck_assert_int_eq(http2_write(app->h2, s->stream, span_from_str(text)), 0);
    ck_assert_int_eq(http2_settle(app->h2), 0);
    if (ends)
        ck_assert_int_eq(http2_write_end(app->h2, s->stream, NULL, NULL), 0);
}

static void note_trailer(struct h2_app_stream *s, const struct http_head *head)
{
    const struct http_field *f = head->fields;
    if (head->n_fields > 0)
        snprintf(s->trailer, sizeof(s->trailer), "%.*s: %.*s", (int)f->name.len, (const char *)f->name.ptr, (int)f->value.len, (const char *)f->value.ptr);
}

static void on_event(struct h2_app *app, enum http2_kind kind, const struct http2_event *e)
{
    struct h2_app_stream *s = e->stream != NULL ? http2_user(e->stream) : NULL;
    if (kind == HTTP2_GOAWAY || kind == HTTP2_BAD) {
        app->goaway = true;
        app->goaway_code = e->code;
    }
    if (s == NULL)
        return;
    if (kind == HTTP2_INTERIM)
        s->interims++;
    else if (kind == HTTP2_HEAD)
        s->status = e->head->status;
    else if (kind == HTTP2_DATA)
        ck_assert_int_eq(bytes_append_span(&s->body, e->data), 0);
    else if (kind == HTTP2_TRAILERS)
        note_trailer(s, e->head);
    else if (kind == HTTP2_END)
        s->ended = true;
    else if (kind == HTTP2_RESET) {
        s->reset = true;
        s->code = e->code;
    }
    if (kind == HTTP2_DATA && !app->keeps_window)
        http2_consumed(app->h2, e->stream, e->data.len);
}

/* False: nothing to say. */
static bool say(struct h2_app *app)
{
    struct gather out;
    struct span runs[32];
    gather_init(&out, OUT_MAX);
    ck_assert_int_eq(http2_fill(app->h2, &out, OUT_MAX), 0);
    size_t n = gather_runs(&out, runs, 32);
    for (size_t i = 0; i < n && app->tls == NULL; i++)
        wire_say_span(app->socket, runs[i]);
    for (size_t i = 0; i < n && app->tls != NULL && app->tls->failure == 0; i++)
        ck_assert_int_eq(gnutls_record_send(app->tls->session, runs[i].ptr, runs[i].len), (ssize_t)runs[i].len);
    if (app->tls != NULL)
        raw_tls_at_app(app->tls, app->socket);
    gather_clear(&out);
    return n > 0;
}

static bool hear(struct h2_app *app)
{
    struct bytes got;
    struct http2_event e;
    if (app->tls != NULL)
        raw_tls_at_app(app->tls, app->socket);
    struct bytes *from = app->tls != NULL ? &app->tls->got : &app->socket->got;
    if (from->len == 0)
        return false;
    bytes_init(&got, OUT_MAX);
    bytes_take(from, &got);
    struct span in = bytes_span(&got);
    http2_set_now(app->h2, app->wire->now.us);
    for (enum http2_kind kind; (kind = http2_next(app->h2, &in, &e)) != HTTP2_MORE;) {
        on_event(app, kind, &e);
        if (kind == HTTP2_BAD)
            break;
    }
    bytes_clear(&got);
    return true;
}

void h2_app_run(struct h2_app *app)
{
    bool moved = true;
    for (int i = 0; moved; i++) {
        ck_assert_int_lt(i, ROUNDS);
        moved = say(app);
        wire_run(app->wire);
        moved = hear(app) || moved;
    }
}

const char *h2_app_body(struct h2_app_stream *s)
{
    uint8_t *end = bytes_reserve(&s->body, 1);
    ck_assert_ptr_nonnull(end);
    *end = '\0';
    return (const char *)bytes_span(&s->body).ptr;
}
