/* SPDX-License-Identifier: Apache-2.0 */
/* Upstreams that speak HTTP/2: many requests of many clients share one connection. Here the upstream is the verifier, in plaintext, which knows
 * HTTP/2 by its first bytes; or a server by hand. */
#include "wire.h"

#include "h2_app.h"
#include "http2_frames.h"
#include "t.h"

#include <string.h>

static struct wire w;

static void open_chain(bool no_verifier)
{
    const struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_HTTP, .no_verifier = no_verifier};
    wire_open(&w, &setup);
    w.injector.target[0].http = PLAN_HTTP2;
    w.on_backend = wire_backend_http;
}

static void set_up(void)
{
    open_chain(false);
}

static void drop(void)
{
    wire_close(&w);
}

static const char GET[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
static const char POST[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123456789";
static const char CHUNKS[] = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n5\r\n56789\r\n0\r\n\r\n";

static struct wire_socket *ask(const char *request)
{
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, request);
    wire_run(&w);
    return app;
}

START_TEST(requests_of_many_clients_share_one_connection)
{
    static const char *const requests[] = {GET, POST, CHUNKS};
    for (int i = 0; i < 9; i++)
        ck_assert_ptr_nonnull(strstr(wire_got(ask(requests[i % 3])), "200 OK"));
    ck_assert_uint_eq(w.injector.connects, 1);
    ck_assert_uint_eq(w.n_requests, 9);
    ck_assert_ptr_nonnull(strstr((const char *)bytes_span(&w.request).ptr, "123456789") != NULL ? "" : strstr((const char *)bytes_span(&w.request).ptr, "56789"));
}
END_TEST

START_TEST(they_run_at_once_and_one_that_waits_holds_no_other_up)
{
    w.on_backend = NULL;
    struct wire_socket *apps[4];
    for (int i = 0; i < 4; i++)
        apps[i] = ask(GET);
    ck_assert_uint_eq(w.injector.connects, 1);
    struct wire_socket *third = wire_backend_socket(&w, 2);
    ck_assert_ptr_nonnull(third);
    wire_answer(third, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthird");
    wire_run(&w);
    int served = 0;
    for (int i = 0; i < 4; i++)
        served += strstr(wire_got(apps[i]), "third") != NULL;
    ck_assert_int_eq(served, 1);
}
END_TEST

START_TEST(a_body_and_an_answer_of_a_hundred_mebibytes_pass_within_bounds) /* D6 */
{
    w.keep_log = false;
    w.on_backend = NULL;
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n");
    wire_run(&w);
    w.on_backend = NULL;
    app->up.offer = 104857600;
    wire_backend_socket(&w, 0)->up.stalled = true;
    wire_run(&w);
    ck_assert_uint_gt(app->up.offer, 100u * 1024 * 1024 - 4u * 1024 * 1024);
    ck_assert_uint_lt(w.injector.most_pending, 1024 * 1024);
}
END_TEST

START_TEST(a_drained_upstream_finishes_and_the_next_request_takes_a_new_connection)
{
    ask(GET);
    client_on_drain(wire_client(&w.verifier), w.now);
    wire_run(&w);
    ck_assert_ptr_nonnull(strstr(wire_got(ask(POST)), "200 OK"));
    ck_assert_uint_eq(w.injector.connects, 2);
    ck_assert_uint_eq(wire_last(&w.injector)->retries, 0);
}
END_TEST

START_TEST(an_upstream_connection_that_breaks_ends_its_requests_and_no_later_one)
{
    w.on_backend = NULL;
    struct wire_socket *a = ask(POST), *b = ask(POST);
    wire_between(&w, 0)->down.reset = true;
    wire_run(&w);
    ck_assert_msg(strstr(wire_got(a), "502 ") != NULL && strstr(wire_got(b), "502 ") != NULL, "%s%s", wire_got(a), wire_got(b));
    w.on_backend = wire_backend_http;
    wire_advance(&w, 11000);
    ck_assert_ptr_nonnull(strstr(wire_got(ask(GET)), "200 OK"));
}
END_TEST

START_TEST(an_answer_that_breaks_off_is_cut_for_its_client_alone) /* B7 */
{
    w.reply = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel";
    w.reply_closes = true;
    struct wire_socket *cut = ask(GET);
    ck_assert(cut->got_reset && !cut->got_end);
    w.reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    w.reply_closes = false;
    ck_assert_ptr_nonnull(strstr(wire_got(ask(GET)), "hello"));
    ck_assert_uint_eq(w.injector.connects, 1);
}
END_TEST

static void say_frames(struct wire_socket *s, const char *script)
{
    struct bytes frames;
    bytes_init(&frames, 1000);
    http2_frames(&frames, script);
    wire_say_span(s, bytes_span(&frames));
    bytes_clear(&frames);
    wire_run(&w);
}

/* Rapid reset and "made you reset": the upstream hears of no request that ends with the bytes that began it. */
START_TEST(a_request_that_is_reset_at_once_never_goes_upstream) /* C6 */
{
#define POST_1 "H1 :method=POST|:scheme=http|:authority=x|:path=/"
    static const char *const scripts[] = {POST_1 "\nR1 8\n", POST_1 "\nW1 0\n", POST_1 "|content-length=1\nD1 xx\n"};
    ask(GET);
    size_t seen = w.verifier.n_seen, of_injector = w.injector.n_seen;
    struct wire_socket *s = wire_connect(&w);
    say_frames(s, "PRI\nS\nSA\n");
    say_frames(s, scripts[_i]);
    ck_assert_uint_eq(w.injector.n_seen, of_injector + 1);
    ck_assert_uint_eq(w.verifier.n_seen, seen);
    say_frames(s, "H3e :method=GET|:scheme=http|:authority=x|:path=/\n");
    ck_assert_uint_eq(w.verifier.n_seen, seen + 1);
}
END_TEST

START_TEST(a_client_that_goes_cancels_its_stream_alone)
{
    w.on_backend = NULL;
    struct wire_socket *gone = ask(GET), *stays = ask(GET);
    gone->up.reset = true;
    wire_run(&w);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_CLIENT_CLOSED);
    for (size_t i = 0; i < 2; i++)
        wire_answer(wire_backend_socket(&w, i), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wire_run(&w);
    ck_assert_ptr_nonnull(strstr(wire_got(stays), "ok"));
    ck_assert_uint_eq(w.injector.connects, 1);
}
END_TEST

START_TEST(an_upgrade_takes_a_connection_of_http_1)
{
    w.on_backend = NULL;
    ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    ck_assert(wire_ever_said(&wire_between(&w, 0)->up, "Upgrade: websocket"));
}
END_TEST

START_TEST(who_waits_while_a_connection_opens_is_served_by_it)
{
    w.injector.connect = WIRE_CONNECT_HANGS;
    struct wire_socket *apps[3];
    for (int i = 0; i < 3; i++)
        apps[i] = ask(POST);
    w.injector.connect = WIRE_CONNECT_WORKS;
    struct uplink *u = client_next_uplink(wire_client(&w.injector), NULL);
    ck_assert(u != NULL && u->n_users == 3);
    wire_connect_late(u);
    wire_run(&w);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(strstr(wire_got(apps[i]), "200 OK"));
    ck_assert_uint_eq(w.injector.connects, 1);
}
END_TEST

START_TEST(who_waits_too_long_is_told)
{
    w.injector.connect = WIRE_CONNECT_HANGS;
    struct wire_socket *a = ask(GET), *b = ask(GET);
    wire_advance(&w, 6000);
    ck_assert(strstr(wire_got(a), "504 ") != NULL && strstr(wire_got(b), "504 ") != NULL);
}
END_TEST

/* ---- an upstream by hand ---- */

static struct http2 *server;
static enum { SERVES, REFUSES_ONCE, REFUSES_BEGUN, WANTS_HTTP1, RESETS, ENDS_EARLY, ENDS_TUNNEL, SAYS_NOTHING } how;
static unsigned streams;

static struct http2_stream *ending;

static void answer_tunnel(struct http2_stream *s)
{
    static const struct http_head head = {.status = 200, .minor = 1};
    const struct http_outgoing o = {.head = &head, .framing = HTTP_CHUNKED};
    ck_assert_int_eq(http2_respond(server, s, &o), 0);
    ck_assert_int_eq(http2_write(server, s, span_from_str("bye")), 0);
    ck_assert_int_eq(http2_write_end(server, s, NULL, NULL), 0);
    ending = s;
}

/* It says that it never began, after it did. */
static void refuse_begun(struct http2_stream *s)
{
    static const struct http_head hints = {.status = 103, .minor = 1};
    const struct http_outgoing o = {.head = &hints, .framing = HTTP_NO_BODY};
    ck_assert_int_eq(http2_respond(server, s, &o), 0);
    ending = s;
}

static void answer(struct http2_stream *s)
{
    static const struct http_head head = {.status = 200, .minor = 1};
    const struct http_outgoing o = {.head = &head, .framing = HTTP_NO_BODY};
    if (how == SAYS_NOTHING)
        return;
    if (how == REFUSES_ONCE && streams == 1)
        http2_reset(server, s, HTTP2_REFUSED_STREAM);
    else if (how == REFUSES_BEGUN)
        refuse_begun(s);
    else if (how == WANTS_HTTP1)
        http2_reset(server, s, HTTP2_HTTP_1_1_REQUIRED);
    else if (how == RESETS)
        http2_reset(server, s, HTTP2_INTERNAL_ERROR);
    else if (how == ENDS_TUNNEL)
        answer_tunnel(s);
    else
        ck_assert_int_eq(http2_respond(server, s, &o), 0);
    if (how == ENDS_EARLY)
        http2_release(server, s);
}

static void serve(struct wire *on, struct wire_socket *s)
{
    static const struct http2_limits limits = {.max_head_bytes = 64 * 1024, .max_fields = 100, .extended_connect = true};
    struct gather out;
    struct span runs[16];
    struct bytes got;
    struct http2_event e;
    if (s->got_end)
        return;
    if (how == WANTS_HTTP1 && streams > 0 && memmem(bytes_span(&s->got).ptr, s->got.len, "HTTP/1.1", 8) != NULL) {
        wire_backend_http(on, s);
        return;
    }
    if (server == NULL)
        server = http2_new(HTTP2_SERVER, &limits);
    bytes_init(&got, 1 << 20);
    bytes_take(&s->got, &got);
    struct span in = bytes_span(&got);
    for (enum http2_kind kind; (kind = http2_next(server, &in, &e)) != HTTP2_MORE && kind != HTTP2_BAD;) {
        if (kind != HTTP2_HEAD)
            continue;
        streams++;
        answer(e.stream);
    }
    bytes_clear(&got);
    gather_init(&out, 1 << 20);
    ck_assert_int_eq(http2_fill(server, &out, 1 << 20), 0);
    if (ending != NULL) {
        http2_reset(server, ending, how == REFUSES_BEGUN ? HTTP2_REFUSED_STREAM : HTTP2_NO_ERROR);
        ck_assert_int_eq(http2_fill(server, &out, 1 << 20), 0);
    }
    ending = NULL;
    size_t n = gather_runs(&out, runs, 16);
    for (size_t i = 0; i < n; i++)
        wire_answer_span(s, runs[i]);
    gather_clear(&out);
}

static void by_hand(void)
{
    open_chain(true);
    w.on_backend = serve;
    server = NULL;
    streams = 0;
    how = SERVES;
}

static void drop_hand(void)
{
    wire_close(&w);
    http2_free(server);
}

START_TEST(a_stream_that_was_never_begun_is_sent_again_whatever_its_method) /* C10 */
{
    how = REFUSES_ONCE;
    struct wire_socket *app = ask(POST);
    ck_assert_msg(strstr(wire_got(app), "HTTP/1.1 200") != NULL, "%s", wire_got(app));
    ck_assert_uint_eq(streams, 2);
    ck_assert_uint_eq(wire_last(&w.injector)->retries, 1);
}
END_TEST

START_TEST(one_that_was_answered_with_an_interim_response_had_begun) /* C10 */
{
    how = REFUSES_BEGUN;
    struct wire_socket *app = ask(_i == 0 ? POST : GET);
    ck_assert_msg(strstr(wire_got(app), "HTTP/1.1 103") != NULL && strstr(wire_got(app), "502 ") != NULL, "%s", wire_got(app));
    ck_assert_uint_eq(streams, 1);
}
END_TEST

#define NO_STREAMS "\0\0\6\4\0\0\0\0\0\0\3\0\0\0\0"
#define NO_STREAMS_BUT_WEBSOCKET "\0\0\14\4\0\0\0\0\0\0\3\0\0\0\0\0\10\0\0\0\1"

START_TEST(a_connection_that_allows_no_more_streams_is_left) /* C6 */
{
    ck_assert_ptr_nonnull(strstr(wire_got(ask(GET)), "HTTP/1.1 200"));
    wire_answer_span(wire_backend_socket(&w, 0), span_of(NO_STREAMS, sizeof(NO_STREAMS) - 1));
    wire_run(&w);
    http2_free(server);
    server = NULL;
    ck_assert_ptr_nonnull(strstr(wire_got(ask(POST)), "HTTP/1.1 200"));
    ck_assert_uint_eq(w.injector.connects, 2);
}
END_TEST

static void allow_nothing(struct wire *on, struct wire_socket *s)
{
    (void)on;
    if (s->requests++ == 0)
        wire_answer_span(s, span_of(NO_STREAMS_BUT_WEBSOCKET, sizeof(NO_STREAMS_BUT_WEBSOCKET) - 1));
}

START_TEST(an_upstream_that_never_allows_one_is_not_tried_for_ever) /* C6 */
{
    w.on_backend = allow_nothing;
    struct wire_socket *app = ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    ck_assert_msg(strstr(wire_got(app), "502 ") != NULL, "%s", wire_got(app));
    ck_assert_ptr_nonnull(strstr(wire_last(&w.injector)->detail, "SETTINGS_MAX_CONCURRENT_STREAMS"));
    ck_assert_uint_le(w.injector.connects, 4);
}
END_TEST

START_TEST(one_that_was_reset_after_it_began_is_not) /* C10 */
{
    how = RESETS;
    struct wire_socket *app = ask(POST);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "502 "));
    ck_assert_uint_eq(streams, 1);
    ck_assert_ptr_nonnull(strstr(wire_last(&w.injector)->detail, "error code 2"));
}
END_TEST

START_TEST(what_wants_http_1_gets_it_only_where_a_handshake_can_agree_on_it)
{
    how = WANTS_HTTP1;
    struct wire_socket *app = ask(GET);
    ck_assert_msg(strstr(wire_got(app), "200 OK") != NULL, "%s", wire_got(app));
    ck_assert_uint_eq(w.injector.connects, 2);
}
END_TEST

static struct wire_socket *ask_in_vain(bool says_something)
{
    w.injector.up_conf.response_ms = 2000;
    ck_assert_ptr_nonnull(strstr(wire_got(ask(GET)), "HTTP/1.1 200"));
    w.on_backend = NULL;
    wire_advance(&w, 1000);
    struct wire_socket *app = ask(GET);
    wire_advance(&w, 1000);
    if (says_something)
        wire_answer_span(wire_backend_socket(&w, 0), span_of("\0\0\x8\6\0\0\0\0\0pingping", 17));
    wire_run(&w);
    wire_advance(&w, 2000);
    return app;
}

START_TEST(a_connection_that_fell_silent_takes_no_further_request)
{
    ck_assert_ptr_nonnull(strstr(wire_got(ask_in_vain(false)), "504 "));
    http2_free(server);
    server = NULL;
    w.on_backend = serve;
    ck_assert_ptr_nonnull(strstr(wire_got(ask(POST)), "HTTP/1.1 200"));
    ck_assert_uint_eq(w.injector.connects, 2);
}
END_TEST

START_TEST(one_that_answers_other_frames_takes_more)
{
    ck_assert_ptr_nonnull(strstr(wire_got(ask_in_vain(true)), "504 "));
    w.on_backend = serve;
    ck_assert_ptr_nonnull(strstr(wire_got(ask(POST)), "HTTP/1.1 200"));
    ck_assert_uint_eq(w.injector.connects, 1);
}
END_TEST

START_TEST(a_request_whose_head_the_upstream_does_not_take_is_refused)
{
    ck_assert_ptr_nonnull(strstr(wire_got(ask(GET)), "HTTP/1.1 200"));
    wire_answer_span(wire_backend_socket(&w, 0), span_of("\0\0\6\4\0\0\0\0\0\0\6\0\0\1\0", 15)); /* SETTINGS_MAX_HEADER_LIST_SIZE of 256 */
    wire_run(&w);
    struct wire_socket *app = ask("GET / HTTP/1.1\r\nHost: x\r\nLong: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n"
                                  "Other: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n\r\n");
    ck_assert_msg(strstr(wire_got(app), "431 ") != NULL, "%s", wire_got(app));
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_REQUEST_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(wire_got(ask(GET)), "HTTP/1.1 200"));
    ck_assert_uint_eq(w.injector.connects, 1);
}
END_TEST

/* RFC 9113 section 8.1: the rest of the request is of no use to the server. */
START_TEST(a_reset_without_an_error_behind_a_whole_answer_is_no_failure)
{
    how = ENDS_EARLY;
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123");
    wire_run(&w);
    ck_assert_msg(strstr(wire_got(app), "HTTP/1.1 200") != NULL, "%s", wire_got(app));
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_VALID);
    ck_assert_uint_eq(w.injector.n_seen, 1);
}
END_TEST

START_TEST(a_tunnel_whose_server_ends_it_and_needs_no_more_has_ended_well)
{
    how = ENDS_TUNNEL;
    struct wire_socket *app = ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    ck_assert_msg(strstr(wire_got(app), "HTTP/1.1 101") != NULL && strstr(wire_got(app), "\r\n\r\nbye") != NULL, "%s", wire_got(app));
    ck_assert(app->got_end && !app->got_reset);
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_VALID);
    ck_assert_uint_eq(w.injector.n_seen, 1);
}
END_TEST

static unsigned pings(void)
{
    static const char ping[] = "\0\0\x8\6\0\0\0\0\0mtlsd";
    unsigned n = 0;
    struct span said = bytes_span(&wire_between(&w, 0)->up.log);
    for (const uint8_t *at; (at = memmem(said.ptr, said.len, ping, sizeof(ping) - 1)) != NULL; n++)
        said = span_skip(said, (size_t)(at - said.ptr) + 1);
    return n;
}

START_TEST(a_quiet_server_is_asked_for_a_sign_of_life_and_not_too_often)
{
    w.injector.up_conf.response_ms = 3600000;
    how = SAYS_NOTHING;
    struct wire_socket *app = ask(GET);
    wire_advance(&w, 19000);
    ck_assert_uint_eq(pings(), 0);
    wire_advance(&w, 2000);
    ck_assert_uint_eq(pings(), 1);
    wire_advance(&w, 290000); /* gRPC's servers take two of them in five minutes */
    ck_assert_uint_eq(pings(), 1);
    wire_advance(&w, 20000);
    ck_assert_uint_eq(pings(), 2);
    ck_assert(!app->got_end && w.injector.n_seen == 0);
    app->up.reset = true;
    wire_run(&w);
    wire_advance(&w, 600000); /* nothing waits */
    ck_assert_uint_eq(pings(), 2);
}
END_TEST

START_TEST(a_request_on_a_connection_that_died_goes_on_on_another)
{
    ck_assert_ptr_nonnull(strstr(wire_got(ask(GET)), "HTTP/1.1 200"));
    w.on_backend = NULL;
    wire_advance(&w, 30000);
    struct wire_socket *app = ask(_i == 0 ? GET : POST);
    wire_advance(&w, 14000);
    ck_assert_uint_eq(pings(), 1);
    http2_free(server);
    server = NULL;
    w.on_backend = serve;
    wire_backend_socket(&w, 0)->up.stalled = true;
    wire_advance(&w, 2000);
    ck_assert_msg(strstr(wire_got(app), _i == 0 ? "HTTP/1.1 200" : "502 ") != NULL, "%s", wire_got(app));
    ck_assert(_i == 0 || wire_last(&w.injector)->reason == REASON_UPSTREAM_CLOSED);
    ck_assert_uint_eq(w.injector.connects, _i == 0 ? 2 : 1);
}
END_TEST

START_TEST(a_server_that_never_acknowledges_settings_is_left) /* RFC 9113 section 6.5.3 */
{
    w.on_backend = NULL;
    w.injector.up_conf.response_ms = 3600000;
    struct wire_socket *app = ask(POST);
    wire_answer_span(wire_backend_socket(&w, 0), span_of("\0\0\0\4\0\0\0\0\0", 9));
    wire_run(&w);
    wire_advance(&w, 9000);
    ck_assert(!app->got_end && w.injector.n_seen == 0);
    wire_advance(&w, 2000);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "502 "));
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_UPSTREAM_PROTOCOL);
}
END_TEST

START_TEST(an_answer_before_any_request_is_refused) /* C4 */
{
    struct wire_socket *app = wire_connect(&w);
    wire_run(&w);
    wire_say(app, GET);
    w.on_backend = NULL;
    wire_run(&w);
    wire_answer_span(wire_backend_socket(&w, 0), span_of("\0\0\1\1\4\0\0\0\3\x88", 10)); /* HEADERS of stream 3, which nobody opened */
    wire_run(&w);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "502 "));
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_UPSTREAM_PROTOCOL);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("uplink_http2");
    TCase *t = tcase_create("flow"), *h = tcase_create("hand");
    tcase_add_checked_fixture(t, set_up, drop);
    tcase_add_checked_fixture(h, by_hand, drop_hand);
    tcase_add_test(t, requests_of_many_clients_share_one_connection);
    tcase_add_test(t, they_run_at_once_and_one_that_waits_holds_no_other_up);
    tcase_add_test(t, a_body_and_an_answer_of_a_hundred_mebibytes_pass_within_bounds);
    tcase_add_test(t, a_drained_upstream_finishes_and_the_next_request_takes_a_new_connection);
    tcase_add_test(t, an_upstream_connection_that_breaks_ends_its_requests_and_no_later_one);
    tcase_add_test(t, an_answer_that_breaks_off_is_cut_for_its_client_alone);
    tcase_add_loop_test(t, a_request_that_is_reset_at_once_never_goes_upstream, 0, 3);
    tcase_add_test(t, a_client_that_goes_cancels_its_stream_alone);
    tcase_add_test(t, an_upgrade_takes_a_connection_of_http_1);
    tcase_add_test(t, who_waits_while_a_connection_opens_is_served_by_it);
    tcase_add_test(t, who_waits_too_long_is_told);
    suite_add_tcase(s, t);
    tcase_add_test(h, a_stream_that_was_never_begun_is_sent_again_whatever_its_method);
    tcase_add_loop_test(h, one_that_was_answered_with_an_interim_response_had_begun, 0, 2);
    tcase_add_test(h, a_connection_that_allows_no_more_streams_is_left);
    tcase_add_test(h, an_upstream_that_never_allows_one_is_not_tried_for_ever);
    tcase_add_test(h, one_that_was_reset_after_it_began_is_not);
    tcase_add_test(h, what_wants_http_1_gets_it_only_where_a_handshake_can_agree_on_it);
    tcase_add_test(h, a_connection_that_fell_silent_takes_no_further_request);
    tcase_add_test(h, one_that_answers_other_frames_takes_more);
    tcase_add_test(h, a_request_whose_head_the_upstream_does_not_take_is_refused);
    tcase_add_test(h, a_reset_without_an_error_behind_a_whole_answer_is_no_failure);
    tcase_add_test(h, a_tunnel_whose_server_ends_it_and_needs_no_more_has_ended_well);
    tcase_add_test(h, a_quiet_server_is_asked_for_a_sign_of_life_and_not_too_often);
    tcase_add_loop_test(h, a_request_on_a_connection_that_died_goes_on_on_another, 0, 2);
    tcase_add_test(h, a_server_that_never_acknowledges_settings_is_left);
    tcase_add_test(h, an_answer_before_any_request_is_refused);
    suite_add_tcase(s, h);
    return s;
}
