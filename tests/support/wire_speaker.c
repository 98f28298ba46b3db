/* SPDX-License-Identifier: Apache-2.0 */
#include "wire_speaker.h"

#include "mtlsd/http/http1.h"
#include "mtlsd/http/http_upgrade.h"
#include "mtlsd/http/http_websocket.h"
#include "mtlsd/policy/reason.h"

#include <check.h>
#include <ctype.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STREAMS = 64, FIELDS = 600, MAX = 512 * 1024 * 1024, NAMES = 256 * 1024 };
#define KEY "dGhlIHNhbXBsZSBub25jZQ==" /* of a WebSocket that came without one, as in HTTP/2 */

struct stream {
    int32_t id;         /* 0: not met yet */
    bool head_only;     /* the request was HEAD: its response has no body */
    bool says_last;     /* the client's request said Connection: close */
    bool said_head;     /* of what we say */
    struct bytes body;  /* of what we say: what did not go out yet */
    bool body_ends;
    struct bytes trailers; /* as lines of HTTP/1.1 */
    bool deferred;
    struct bytes head;  /* of what we hear: the fields so far, as lines of HTTP/1.1 */
    bool heard_head, has_length, chunked, heard_end, closed;
    uint32_t code;
    char status[4];
    struct bytes method, path, authority;
    bool websocket;     /* an extended CONNECT (RFC 8441), which the test says and hears as Upgrade */
    char key[HTTP_WEBSOCKET_KEY_SIZE]; /* that the test said with it */
    struct bytes text;  /* of what we hear, in HTTP/1.1: kept back while another stream's is not whole */
};

struct wire_speaker {
    bool server;
    nghttp2_session *session;
    struct http1 *reader;    /* of what the test says */
    struct stream streams[STREAMS];
    size_t n, telling, saying; /* how many there are; whose text goes to the test now; whose message the test says now */
    bool in_message, broke, closes;
    struct stream *tunnel;   /* what the test says belongs to it, and is not HTTP; NULL: none */
};

/* ---- from HTTP/1.1 ---- */

struct list {
    nghttp2_nv nv[FIELDS];
    size_t n;
    uint8_t names[NAMES], *to;
};

static void add(struct list *l, struct span name, struct span value)
{
    ck_assert_uint_lt(l->n, FIELDS);
    ck_assert_uint_lt((size_t)(l->to - l->names) + name.len, NAMES);
    uint8_t *lower = l->to;
    for (size_t i = 0; i < name.len; i++)
        *l->to++ = (uint8_t)tolower(name.ptr[i]);
    l->nv[l->n++] = (nghttp2_nv){lower, (uint8_t *)(uintptr_t)value.ptr, name.len, value.len, 0};
}

static bool is_one_of(struct span name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (span_equals_nocase_str(name, *names))
            return true;
    return false;
}

/* Connection names it: it goes no further than the hop. */
static bool is_named(const struct http_head *h, struct span name)
{
    struct span connection = http_head_find(h, "Connection");
    for (size_t i = 0; i + name.len <= connection.len; i++)
        if (strncasecmp((const char *)connection.ptr + i, (const char *)name.ptr, name.len) == 0)
            return true;
    return false;
}

/* Without a key no answer to it can be made. */
static bool is_websocket(const struct http_head *h)
{
    return http_upgrade_wanted(h).len > 0 && (!h->request || http_websocket_key(h).len > 0);
}

static void add_fields(struct list *l, const struct http_head *h)
{
    static const char *const hop[] = {"Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Proxy-Connection", "Host", NULL};
    static const char *const of_upgrade[] = {HTTP_WEBSOCKET_KEY, HTTP_WEBSOCKET_ACCEPT, "Content-Length", NULL};
    bool websocket = is_websocket(h);
    for (size_t i = 0; i < h->n_fields; i++) {
        struct span name = h->fields[i].name;
        if (!is_one_of(name, hop) && (!websocket || !is_one_of(name, of_upgrade)) && (!is_named(h, name) || span_equals_nocase_str(name, "TE")))
            add(l, name, h->fields[i].value);
    }
}

static struct list *new_list(void)
{
    struct list *l = calloc(1, sizeof(*l));
    ck_assert_ptr_nonnull(l);
    l->to = l->names;
    return l;
}

static void add_request(struct list *l, const struct http_head *h)
{
    struct span target = h->target, host = http_head_find(h, "Host"), scheme = span_from_str("http");
    bool websocket = is_websocket(h);
    add(l, span_from_str(":method"), websocket ? span_from_str("CONNECT") : h->method);
    if (websocket)
        add(l, span_from_str(":protocol"), span_from_str("websocket"));
    if (span_equals_str(h->method, "CONNECT")) {
        add(l, span_from_str(":authority"), target);
        return;
    }
    const uint8_t *sign = target.len > 0 && target.ptr[0] != '/' ? memmem(target.ptr, target.len, "://", 3) : NULL;
    if (sign != NULL) {
        scheme = span_of(target.ptr, (size_t)(sign - target.ptr));
        target = span_skip(target, scheme.len + 3);
        const uint8_t *slash = memchr(target.ptr, '/', target.len);
        host = span_of(target.ptr, slash != NULL ? (size_t)(slash - target.ptr) : target.len);
        target = slash != NULL ? span_skip(target, host.len) : span_from_str("/");
    }
    add(l, span_from_str(":scheme"), scheme);
    if (host.ptr != NULL)
        add(l, span_from_str(":authority"), host);
    add(l, span_from_str(":path"), target);
}

static void put_trailers(nghttp2_session *session, struct stream *s)
{
    struct list *l = new_list();
    struct span left = bytes_span(&s->trailers);
    while (left.len > 0) {
        const uint8_t *colon = memchr(left.ptr, ':', left.len), *end = memchr(left.ptr, '\r', left.len);
        add(l, span_of(left.ptr, (size_t)(colon - left.ptr)), span_of(colon + 2, (size_t)(end - colon) - 2));
        left = span_skip(left, (size_t)(end - left.ptr) + 2);
    }
    ck_assert_int_eq(nghttp2_submit_trailer(session, s->id, l->nv, l->n), 0);
    free(l);
}

static ssize_t on_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t n, uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)id;
    (void)user;
    struct stream *s = source->ptr;
    size_t part = s->body.len < n ? s->body.len : n;
    if (part > 0) {
        memcpy(to, bytes_span(&s->body).ptr, part);
        bytes_consume(&s->body, part);
    }
    s->deferred = part == 0 && !s->body_ends;
    if (s->deferred)
        return NGHTTP2_ERR_DEFERRED;
    if (!s->body_ends || s->body.len > 0)
        return (ssize_t)part;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (s->trailers.len > 0) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        put_trailers(session, s);
    }
    return (ssize_t)part;
}

static struct stream *new_stream(struct wire_speaker *p)
{
    ck_assert_uint_lt(p->n, STREAMS);
    struct stream *s = &p->streams[p->n++];
    struct bytes *all[] = {&s->body, &s->trailers, &s->head, &s->method, &s->path, &s->authority, &s->text};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        bytes_init(all[i], MAX);
    return s;
}

static bool is_interim(const struct http_head *h)
{
    return !h->request && h->status < 200;
}

/* The body is known to be none. */
static bool is_bodiless(const struct stream *s, const struct http_head *h)
{
    return h->framing == HTTP_NO_BODY || (h->framing == HTTP_LENGTH && h->length == 0) || (!h->request && s->head_only);
}

static void respond(struct wire_speaker *p, struct stream *s, const struct http_head *h, struct list *l)
{
    char status[4];
    nghttp2_data_provider body = {.source.ptr = s, .read_callback = on_read};
    snprintf(status, sizeof(status), "%03u", h->status == 101 ? 200 : h->status);
    add(l, span_from_str(":status"), span_from_str(status));
    add_fields(l, h);
    s->heard_end = s->heard_end || (s->websocket && h->status >= 200); /* refused: what the client says on it is nothing */
    if (is_interim(h) && h->status != 101)
        ck_assert_int_eq(nghttp2_submit_headers(p->session, NGHTTP2_FLAG_NONE, s->id, NULL, l->nv, l->n, NULL), 0);
    else
        ck_assert_int_eq(nghttp2_submit_response(p->session, s->id, l->nv, l->n, is_bodiless(s, h) && h->status != 101 ? NULL : &body), 0);
}

static void request(struct wire_speaker *p, struct stream *s, const struct http_head *h, struct list *l)
{
    nghttp2_data_provider body = {.source.ptr = s, .read_callback = on_read};
    add_request(l, h);
    add_fields(l, h);
    s->head_only = span_equals_str(h->method, "HEAD");
    s->says_last = !h->keep_alive;
    s->websocket = is_websocket(h);
    if (s->websocket)
        snprintf(s->key, sizeof(s->key), "%.*s", (int)http_websocket_key(h).len, (const char *)http_websocket_key(h).ptr);
    s->id = nghttp2_submit_request(p->session, NULL, l->nv, l->n, is_bodiless(s, h) && !s->websocket ? NULL : &body, s);
    ck_assert_int_gt(s->id, 0);
}

static void say_head(struct wire_speaker *p, const struct http_head *h)
{
    struct list *l = new_list();
    if (!p->server) {
        p->saying = p->n;
        request(p, new_stream(p), h, l);
    } else {
        ck_assert_msg(p->saying < p->n, "an answer to nothing");
        respond(p, &p->streams[p->saying], h, l);
    }
    struct stream *s = &p->streams[p->saying];
    s->said_head = !is_interim(h);
    p->in_message = s->said_head;
    if (p->server ? h->status == 101 : s->websocket)
        p->tunnel = s;
    free(l);
}

static void end_body(struct wire_speaker *p, struct stream *s)
{
    s->body_ends = true;
    if (s->deferred)
        nghttp2_session_resume_data(p->session, s->id);
}

static void say_data(struct wire_speaker *p, struct stream *s, struct span data)
{
    if (s->closed || data.len == 0)
        return;
    ck_assert_int_eq(bytes_append_span(&s->body, data), 0);
    if (s->deferred)
        nghttp2_session_resume_data(p->session, s->id);
}

static void say_end(struct wire_speaker *p)
{
    struct stream *s = &p->streams[p->saying];
    if (!p->in_message)
        return; /* an interim response */
    p->in_message = false;
    if (s == p->tunnel)
        return; /* its head is whole, no more */
    end_body(p, s);
    p->saying += p->server;
}

static void say_trailers(struct stream *s, const struct http_head *h)
{
    for (size_t i = 0; i < h->n_fields; i++)
        bytes_printf(&s->trailers, "%.*s: %.*s\r\n", (int)h->fields[i].name.len, (const char *)h->fields[i].name.ptr, (int)h->fields[i].value.len,
                     (const char *)h->fields[i].value.ptr);
}

/* What the next answer may be. */
static void expect(struct wire_speaker *p)
{
    if (!p->server || p->in_message || p->saying >= p->n)
        return;
    if (p->streams[p->saying].head_only)
        http1_expect_no_body(p->reader);
    if (p->streams[p->saying].websocket)
        http1_allow_upgrade(p->reader);
}

void wire_speaker_say(struct wire_speaker *p, struct span text)
{
    struct span data;
    enum http1_event event;
    while ((p->tunnel == NULL || p->in_message) && (expect(p), event = http1_next(p->reader, &text, &data)) != HTTP1_MORE) {
        ck_assert_msg(event != HTTP1_BAD, "HTTP/2 has no such message: %s", http1_detail(p->reader));
        if (event == HTTP1_HEAD) {
            say_head(p, http1_head(p->reader));
            continue;
        }
        struct stream *s = &p->streams[p->saying];
        if (event == HTTP1_TRAILERS)
            say_trailers(s, http1_head(p->reader));
        if (event == HTTP1_END || event == HTTP1_UPGRADED)
            say_end(p);
        if (event == HTTP1_DATA)
            say_data(p, s, data);
    }
    if (p->tunnel != NULL && !p->in_message)
        say_data(p, p->tunnel, text);
}

void wire_speaker_end(struct wire_speaker *p)
{
    if (p->tunnel != NULL)
        end_body(p, p->tunnel);
    else if (p->in_message && http1_eof(p->reader) == HTTP1_END)
        say_end(p);
}

/* ---- to HTTP/1.1 ---- */

static struct stream *find(struct wire_speaker *p, int32_t id)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->streams[i].id == id)
            return &p->streams[i];
    return NULL;
}

static void append(struct bytes *to, const uint8_t *from, size_t n)
{
    ck_assert_int_eq(bytes_append(to, from, n), 0);
}

/* As HTTP/1.1 usually spells a name: with great letters at the beginnings of its words. */
static void spell(uint8_t *name, size_t n)
{
    static const char *const odd[] = {"WWW-Authenticate", "ETag", "TE", "X-Real-IP", "X-SSL-Client-CN", "X-Request-ID", "X-Correlation-ID"};
    bool ssl = n > 6 && strncasecmp((const char *)name, "x-ssl-", 6) == 0;
    for (size_t i = 0; i < n; i++)
        name[i] = (uint8_t)(i == 0 || name[i - 1] == '-' || name[i - 1] == '_' || (ssl && i < 6) ? toupper(name[i]) : name[i]);
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        if (n == strlen(odd[i]) && strncasecmp((const char *)name, odd[i], n) == 0)
            memcpy(name, odd[i], n);
}

void wire_speaker_spell(struct bytes *text)
{
    uint8_t *at = (uint8_t *)(uintptr_t)bytes_span(text).ptr, *end = at + text->len;
    for (; end - at > 3; at++) {
        size_t n = 0;
        if (at[0] != '\r' || at[1] != '\n' || !islower(at[2]))
            continue;
        while (n < (size_t)(end - at) - 2 && (islower(at[2 + n]) || isdigit(at[2 + n]) || at[2 + n] == '-' || at[2 + n] == '_'))
            n++;
        if (n < (size_t)(end - at) - 2 && at[2 + n] == ':')
            spell(at + 2, n);
    }
}

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    (void)session;
    struct wire_speaker *p = user;
    if (p->server && frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        new_stream(p)->id = frame->hd.stream_id;
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user)
{
    (void)session;
    (void)flags;
    struct stream *s = find(user, frame->hd.stream_id);
    if (s == NULL)
        return 0;
    if (name[0] == ':') {
        if (name_len == 9 && name[1] == 'p')
            s->websocket = true;
        else if (name[1] == 's' && name[2] == 't')
            memcpy(s->status, value, 3);
        else if (name[1] != 's')
            append(name[1] == 'm' ? &s->method : name[1] == 'p' ? &s->path : &s->authority, value, value_len);
        return 0;
    }
    s->has_length = s->has_length || (name_len == 14 && memcmp(name, "content-length", 14) == 0);
    append(&s->head, name, name_len);
    bytes_append_str(&s->head, ": ");
    append(&s->head, value, value_len);
    bytes_append_str(&s->head, "\r\n");
    return 0;
}

/* An extended CONNECT and its answer, as the handshake of HTTP/1.1 that they stand for. */
static void tell_websocket(struct wire_speaker *p, struct stream *s)
{
    char accept[HTTP_WEBSOCKET_ACCEPT_SIZE];
    if (p->server) {
        bytes_printf(&s->text, "GET %.*s HTTP/1.1\r\n", (int)s->path.len, (const char *)bytes_span(&s->path).ptr);
        bytes_printf(&s->text, "Host: %.*s\r\n", (int)s->authority.len, (const char *)bytes_span(&s->authority).ptr);
        bytes_append_str(&s->text, "Upgrade: websocket\r\nConnection: upgrade\r\n" HTTP_WEBSOCKET_KEY ": " KEY "\r\n");
        return;
    }
    ck_assert_int_eq(http_websocket_write_accept(span_from_str(s->key), accept), 0);
    bytes_append_str(&s->text, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    bytes_printf(&s->text, HTTP_WEBSOCKET_ACCEPT ": %s\r\n", accept);
}

/* The server did not agree: what was said behind the head does not go on, and the test says HTTP again. */
static void end_refused(struct wire_speaker *p, struct stream *s)
{
    s->websocket = false;
    p->tunnel = p->tunnel == s ? NULL : p->tunnel;
    bytes_clear(&s->body);
    end_body(p, s);
}

static void tell_start(struct wire_speaker *p, struct stream *s)
{
    if (!p->server && s->websocket && s->status[0] > '2')
        end_refused(p, s);
    if (s->websocket && s->status[0] != '1') {
        tell_websocket(p, s);
        return;
    }
    if (!p->server) {
        bytes_printf(&s->text, "HTTP/1.1 %s %s\r\n", s->status, reason_http_phrase((unsigned)strtoul(s->status, NULL, 10)));
        return;
    }
    struct span target = bytes_span(s->path.len > 0 ? &s->path : &s->authority);
    bytes_printf(&s->text, "%.*s %.*s HTTP/1.1\r\n", (int)s->method.len, (const char *)bytes_span(&s->method).ptr, (int)target.len, (const char *)target.ptr);
    bytes_printf(&s->text, "Host: %.*s\r\n", (int)s->authority.len, s->authority.len > 0 ? (const char *)bytes_span(&s->authority).ptr : "");
    s->head_only = span_equals_str(bytes_span(&s->method), "HEAD");
}

static void tell_head(struct wire_speaker *p, struct stream *s, bool ends)
{
    bool interim = s->status[0] == '1';
    tell_start(p, s);
    append(&s->text, bytes_span(&s->head).ptr, s->head.len);
    s->chunked = !ends && !interim && !s->has_length && !s->websocket;
    if (s->chunked)
        bytes_append_str(&s->text, "Transfer-Encoding: chunked\r\n");
    bytes_append_str(&s->text, "\r\n");
    bytes_clear(&s->head);
    s->heard_head = !interim;
}

static void tell_end(struct stream *s)
{
    if (s->chunked) {
        bytes_append_str(&s->text, "0\r\n");
        append(&s->text, bytes_span(&s->head).ptr, s->head.len);
        bytes_append_str(&s->text, "\r\n");
    }
    s->heard_end = true;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    (void)session;
    struct stream *s = find(user, frame->hd.stream_id);
    bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (s == NULL || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && !s->heard_head)
        tell_head(user, s, ends);
    if (ends)
        tell_end(s);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *user)
{
    (void)session;
    (void)flags;
    struct stream *s = find(user, id);
    if (s->heard_end)
        return 0;
    if (s->chunked)
        bytes_printf(&s->text, "%zx\r\n", n);
    append(&s->text, data, n);
    if (s->chunked)
        bytes_append_str(&s->text, "\r\n");
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    (void)session;
    struct stream *s = find(user, id);
    if (s != NULL) {
        s->closed = true;
        s->code = code;
    }
    return 0;
}

/* ---- the session ---- */

struct wire_speaker *wire_speaker_new(bool server)
{
    struct wire_speaker *p = calloc(1, sizeof(*p));
    nghttp2_session_callbacks *callbacks;
    ck_assert_ptr_nonnull(p);
    p->server = server;
    p->reader = http1_new(!server, 1 << 20, FIELDS - 8);
    ck_assert_ptr_nonnull(p->reader);
    ck_assert_int_eq(nghttp2_session_callbacks_new(&callbacks), 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    ck_assert_int_eq(server ? nghttp2_session_server_new(&p->session, callbacks, p) : nghttp2_session_client_new(&p->session, callbacks, p), 0);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry takes_websocket = {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1};
    ck_assert_int_eq(nghttp2_submit_settings(p->session, 0, &takes_websocket, server), 0);
    return p;
}

void wire_speaker_free(struct wire_speaker *p)
{
    if (p == NULL)
        return;
    nghttp2_session_del(p->session);
    http1_free(p->reader);
    for (size_t i = 0; i < p->n; i++) {
        struct stream *s = &p->streams[i];
        struct bytes *all[] = {&s->body, &s->trailers, &s->head, &s->method, &s->path, &s->authority, &s->text};
        for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
            bytes_clear(all[k]);
    }
    free(p);
}

/* The texts in the order of the streams: the next one begins when the one before is whole. */
static void tell(struct wire_speaker *p, struct bytes *text)
{
    for (; p->telling < p->n; p->telling++) {
        struct stream *s = &p->streams[p->telling];
        if (s->text.len > 0)
            ck_assert_int_eq(bytes_append_span(text, bytes_span(&s->text)), 0);
        bytes_clear(&s->text);
        if (!s->heard_end) {
            p->broke = p->broke || s->closed;
            return;
        }
        p->closes = p->closes || s->says_last;
    }
}

void wire_speaker_hear(struct wire_speaker *p, struct span bytes, struct bytes *text)
{
    ssize_t n = nghttp2_session_mem_recv(p->session, bytes.ptr, bytes.len);
    ck_assert_msg(n == (ssize_t)bytes.len, "nghttp2 reads %zd of %zu bytes", n, bytes.len);
    for (size_t i = p->telling; !p->server && i < p->n; i++)
        if (p->reader != NULL && p->streams[i].closed)
            bytes_clear(&p->streams[i].body);
    tell(p, text);
}

bool wire_speaker_fill(struct wire_speaker *p, struct bytes *wire)
{
    const uint8_t *bytes;
    bool any = false;
    for (ssize_t n; (n = nghttp2_session_mem_send(p->session, &bytes)) > 0; any = true)
        append(wire, bytes, (size_t)n);
    return any;
}

size_t wire_speaker_waiting(const struct wire_speaker *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        n += p->streams[i].body.len;
    return n;
}

bool wire_speaker_broke(const struct wire_speaker *p)
{
    return p->broke;
}

bool wire_speaker_expects(const struct wire_speaker *p)
{
    return p->telling < p->n;
}

bool wire_speaker_closes(const struct wire_speaker *p)
{
    return p->closes;
}

bool wire_speaker_is_in_tunnel(const struct wire_speaker *p)
{
    return p->tunnel != NULL && !p->tunnel->closed;
}

bool wire_speaker_tunnel_ended(const struct wire_speaker *p)
{
    return p->tunnel != NULL && p->tunnel->heard_end;
}
