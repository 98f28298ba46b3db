/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of ours with sessions of nghttp2, in both roles: what another implementation sends is read, and it reads what we send. */
#include "mtlsd/http/http2.h"
#include "t.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

enum { BODY = 300000, REQUESTS = 12 };

struct peer {
    nghttp2_session *session;
    size_t sent[2 * REQUESTS + 2], got[2 * REQUESTS + 2]; /* by stream */
    unsigned heads, trailers, closed;
    bool server;
};

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 7 + i / 253);
}

static bool is_right(const uint8_t *data, size_t n, size_t at)
{
    size_t i = 0;
    while (i < n && data[i] == byte_at(at + i))
        i++;
    return i == n;
}

static ssize_t on_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t n, uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct peer *p = user;
    (void)source;
    size_t left = BODY - p->sent[id];
    n = n < left ? n : left;
    for (size_t i = 0; i < n; i++)
        to[i] = byte_at(p->sent[id] + i);
    p->sent[id] += n;
    if (p->sent[id] < BODY)
        return (ssize_t)n;
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    nghttp2_nv nv = {(uint8_t *)(uintptr_t)"grpc-status", (uint8_t *)(uintptr_t)"0", 11, 1, 0};
    ck_assert_int_eq(nghttp2_submit_trailer(session, id, &nv, 1), 0);
    return (ssize_t)n;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct peer *p = user;
    if (frame->hd.type != NGHTTP2_HEADERS)
        return 0;
    if (frame->headers.cat == NGHTTP2_HCAT_HEADERS) {
        p->trailers++;
        return 0;
    }
    p->heads++;
    nghttp2_nv nv = {(uint8_t *)(uintptr_t)":status", (uint8_t *)(uintptr_t)"200", 7, 3, 0};
    nghttp2_data_provider provider = {.read_callback = on_read};
    if (p->server)
        ck_assert_int_eq(nghttp2_submit_response(session, frame->hd.stream_id, &nv, 1, &provider), 0);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t n, void *user)
{
    struct peer *p = user;
    (void)session, (void)flags;
    ck_assert(is_right(data, n, p->got[id]));
    p->got[id] += n;
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct peer *p = user;
    (void)session, (void)id;
    ck_assert_uint_eq(code, 0);
    p->closed++;
    return 0;
}

static void start(struct peer *p, bool server)
{
    nghttp2_session_callbacks *callbacks;
    memset(p, 0, sizeof(*p));
    p->server = server;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    ck_assert_int_eq(server ? nghttp2_session_server_new(&p->session, callbacks, p) : nghttp2_session_client_new(&p->session, callbacks, p), 0);
    nghttp2_session_callbacks_del(callbacks);
    ck_assert_int_eq(nghttp2_submit_settings(p->session, 0, NULL, 0), 0);
}

/* ---- our side ---- */

struct ours {
    struct http2 *h;
    struct gather out;
    struct http2_stream *streams[REQUESTS];
    size_t written[REQUESTS], got[REQUESTS];
    bool head[REQUESTS], over[REQUESTS];
    unsigned ended, trailers;
};

static const struct http_field grpc = {{(const uint8_t *)"grpc-status", 11}, {(const uint8_t *)"0", 1}};
static const struct http_head trailers = {.fields = (struct http_field *)(uintptr_t)&grpc, .n_fields = 1};

static void write_bodies(struct ours *o)
{
    static uint8_t body[BODY];
    for (size_t i = 0; i < BODY && body[BODY - 1] == 0; i++)
        body[i] = byte_at(i);
    for (size_t i = 0; i < REQUESTS; i++) {
        if (o->streams[i] == NULL || !o->head[i] || o->written[i] == BODY || http2_pending(o->streams[i]) > 0)
            continue;
        size_t n = BODY - o->written[i] < 50000 ? BODY - o->written[i] : 50000;
        ck_assert_int_eq(http2_write(o->h, o->streams[i], span_of(body + o->written[i], n)), 0);
        o->written[i] += n;
        if (o->written[i] == BODY)
            ck_assert_int_eq(http2_write_end(o->h, o->streams[i], &trailers, NULL), 0);
    }
}

static void answer(struct ours *o, const struct http2_event *e)
{
    struct http_head head = {.minor = 1, .status = 200};
    ck_assert_int_eq(http2_respond(o->h, e->stream, &(struct http_outgoing){.head = &head, .framing = HTTP_CHUNKED}), 0);
}

static void hear(struct ours *o, enum http2_kind kind, const struct http2_event *e)
{
    size_t i = e->id > 0 ? (e->id - 1) / 2 : 0;
    ck_assert_msg(kind != HTTP2_BAD && kind != HTTP2_REFUSED && kind != HTTP2_RESET, "%d: %s", (int)kind, e->detail != NULL ? e->detail : "");
    if (kind == HTTP2_HEAD) {
        o->streams[i] = e->stream;
        if (e->head->request)
            answer(o, e);
        o->head[i] = true;
    }
    if (kind == HTTP2_DATA) {
        ck_assert(is_right(e->data.ptr, e->data.len, o->got[i]));
        o->got[i] += e->data.len;
        http2_consumed(o->h, e->stream, e->data.len);
    }
    o->trailers += kind == HTTP2_TRAILERS;
    o->ended += kind == HTTP2_END;
}

/* True: something moved. */
static bool exchange(struct ours *o, struct peer *p)
{
    const uint8_t *data;
    bool moved = false;
    struct span run;
    write_bodies(o);
    ck_assert_int_eq(http2_fill(o->h, &o->out, 65536), 0);
    ck_assert_int_eq(http2_settle(o->h), 0);
    for (; gather_runs(&o->out, &run, 1) > 0; moved = true) {
        ck_assert_int_eq(nghttp2_session_mem_recv(p->session, run.ptr, run.len), (ssize_t)run.len);
        gather_consume(&o->out, run.len);
    }
    for (ssize_t n; (n = nghttp2_session_mem_send(p->session, &data)) > 0; moved = true) {
        struct span in = span_of(data, (size_t)n);
        struct http2_event e;
        for (enum http2_kind kind; (kind = http2_next(o->h, &in, &e)) != HTTP2_MORE;)
            hear(o, kind, &e);
    }
    return moved;
}

static void begin(struct ours *o, enum http2_role role)
{
    static const struct http2_limits limits = {.max_head_bytes = 8192, .max_fields = 50};
    memset(o, 0, sizeof(*o));
    o->h = http2_new(role, &limits);
    gather_init(&o->out, 1 << 22);
}

static void check_and_stop(struct ours *o, struct peer *p)
{
    while (exchange(o, p))
        ;
    ck_assert_uint_eq(p->heads, REQUESTS);
    ck_assert_uint_eq(p->trailers, REQUESTS);
    ck_assert_uint_eq(p->closed, REQUESTS);
    ck_assert_uint_eq(o->ended, REQUESTS);
    ck_assert_uint_eq(o->trailers, REQUESTS);
    for (size_t i = 0; i < REQUESTS; i++)
        ck_assert(o->got[i] == BODY && p->got[2 * i + 1] == BODY);
    ck_assert(http2_is_idle(o->h));
    http2_shutdown(o->h);
    while (exchange(o, p))
        ;
    ck_assert(p->server ? http2_wants_close(o->h) : !nghttp2_session_want_read(p->session)); /* one of both closes */
    http2_free(o->h);
    gather_clear(&o->out);
    nghttp2_session_del(p->session);
}

START_TEST(serves_a_client_of_the_library)
{
    static const char *const fields[][2] = {{":method", "POST"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", "/x"}, {"cookie", "a=b"}, {"cookie", "c=d"}, {"te", "trailers"}};
    struct ours o;
    struct peer p;
    nghttp2_nv nv[7];
    begin(&o, HTTP2_SERVER);
    start(&p, false);
    for (size_t i = 0; i < 7; i++)
        nv[i] = (nghttp2_nv){(uint8_t *)(uintptr_t)fields[i][0], (uint8_t *)(uintptr_t)fields[i][1], strlen(fields[i][0]), strlen(fields[i][1]), 0};
    nghttp2_data_provider provider = {.read_callback = on_read};
    for (int i = 0; i < REQUESTS; i++)
        ck_assert_int_gt(nghttp2_submit_request(p.session, NULL, nv, 7, &provider, NULL), 0);
    check_and_stop(&o, &p);
}
END_TEST

START_TEST(asks_a_server_of_the_library)
{
    struct http_field fields[] = {{span_from_str("Host"), span_from_str("a.example")}, {span_from_str("Accept"), span_from_str("*/*")}};
    struct http_head head = {.request = true, .minor = 1, .method = span_from_str("POST"), .target = span_from_str("/x"), .fields = fields, .n_fields = 2};
    struct ours o;
    struct peer p;
    begin(&o, HTTP2_CLIENT);
    start(&p, true);
    for (size_t i = 0; i < REQUESTS; i++) {
        o.streams[i] = http2_request(o.h, &(struct http_outgoing){.head = &head, .scheme = span_from_str("https"), .framing = HTTP_CHUNKED, .wants_trailers = true}, NULL);
        ck_assert_ptr_nonnull(o.streams[i]);
        o.head[i] = true;
    }
    check_and_stop(&o, &p);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http2_interop");
    TCase *c = tcase_create("all");
    tcase_add_test(c, serves_a_client_of_the_library);
    tcase_add_test(c, asks_a_server_of_the_library);
    suite_add_tcase(s, c);
    return s;
}
