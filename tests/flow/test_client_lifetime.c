/* SPDX-License-Identifier: Apache-2.0 */
/* Connections whose time is over: they end between two requests if they can, and at a set time if they cannot. */
#include "mtlsd/proxy/lifetime.h"
#include "h2_app.h"
#include "http_chain.h"
#include "t.h"

#include <string.h>

static const char GET[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
enum { SECOND_US = 1000 * 1000 };

/* ---- clients of HTTP/1.1 ---- */

/* The driver looks at every client of the injector. */
static uint64_t live(uint64_t soft_us, uint64_t hard_us, enum reason reason)
{
    struct lifetime l = {soft_us, hard_us, reason};
    uint64_t next = client_live(wire_client(&http_chain.injector), &l, http_chain.now);
    wire_run(&http_chain);
    return next;
}

static void answer(size_t backend, const char *text)
{
    wire_answer(wire_backend_socket(&http_chain, backend), text);
    wire_run(&http_chain);
}

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

START_TEST(a_young_connection_is_left_alone)
{
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    ck_assert_uint_eq(live(http_chain.now.us + 5, UINT64_MAX, REASON_CONNECTION_AGE), http_chain.now.us + 5);
    http_chain_ask(app, GET);
    ck_assert_ptr_null(strstr(wire_got(app), "Connection: close"));
}
END_TEST

START_TEST(an_idle_client_is_told_with_its_next_response)
{
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    ck_assert_uint_eq(live(0, UINT64_MAX, REASON_CONNECTION_AGE), UINT64_MAX);
    ck_assert(!app->got_end); /* a request may be on its way */
    http_chain_ask(app, GET);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "HTTP/1.1 200 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "Connection: close"));
    ck_assert(app->got_end && !app->got_reset);
}
END_TEST

START_TEST(a_response_that_has_begun_is_not_the_last_one)
{
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    answer(0, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
    ck_assert_uint_le(live(0, UINT64_MAX, REASON_CONNECTION_AGE), http_chain.now.us + SECOND_US);
    answer(0, "k");
    ck_assert(!app->got_end);
    live(0, UINT64_MAX, REASON_CONNECTION_AGE);
    http_chain_ask(app, GET);
    answer(0, ANSWER);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "Connection: close"));
    ck_assert(app->got_end && !app->got_reset);
}
END_TEST

START_TEST(a_request_without_an_answer_gets_one_when_the_time_is_over)
{
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    live(0, 0, REASON_CONNECTION_AGE);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "HTTP/1.1 503 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "connection_age"));
    ck_assert(app->got_end && !app->got_reset);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_CONNECTION_AGE);
}
END_TEST

START_TEST(a_half_response_does_not_look_whole) /* B7 */
{
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    answer(0, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
    live(0, 0, REASON_CERTIFICATE_REPLACED);
    ck_assert(app->got_reset);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_CERTIFICATE_REPLACED);
}
END_TEST

START_TEST(an_idle_client_is_closed_when_the_time_is_over)
{
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    size_t seen = http_chain.injector.n_seen;
    live(0, 0, REASON_CONNECTION_AGE);
    wire_advance(&http_chain, 300);
    ck_assert(app->got_end && !app->got_reset);
    ck_assert_uint_eq(http_chain.injector.n_seen, seen); /* nothing was lost */
}
END_TEST

static const char UPGRADE[] = "GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
static const char SWITCHED[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

START_TEST(a_websocket_runs_until_its_time_is_over_and_is_cut_then)
{
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, UPGRADE);
    answer(0, SWITCHED);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "HTTP/1.1 101 "));
    ck_assert_uint_eq(live(0, UINT64_MAX, REASON_CERTIFICATE_REPLACED), UINT64_MAX);
    answer(0, "still here");
    ck_assert_ptr_nonnull(strstr(wire_got(app), "still here"));
    live(0, 0, REASON_CERTIFICATE_REPLACED);
    ck_assert(app->got_reset && wire_backend_socket(&http_chain, 0)->got_reset);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_CERTIFICATE_REPLACED);
}
END_TEST

/* ---- HTTP/2 ---- */

static struct h2_app app2;

static void open_h2(void)
{
    http_chain_open();
    http_chain.on_backend = http_chain_silent;
    h2_app_open(&app2, &http_chain);
}

static void close_h2(void)
{
    h2_app_close(&app2);
    http_chain_close();
}

START_TEST(a_client_of_http2_gets_goaway_and_its_answer)
{
    struct h2_app_stream *s = h2_app_ask(&app2, "GET", "/", NULL, NULL);
    h2_app_run(&app2);
    live(0, UINT64_MAX, REASON_CONNECTION_AGE);
    h2_app_run(&app2);
    ck_assert(app2.goaway && app2.goaway_code == HTTP2_NO_ERROR);
    answer(0, ANSWER);
    h2_app_run(&app2);
    ck_assert(s->status == 200 && s->ended && !s->reset);
}
END_TEST

/* In HTTP/1.1 each of these would have ended the connection. */
START_TEST(a_stream_that_ended_alone_keeps_no_goaway_back)
{
    struct h2_app_stream *s = h2_app_ask(&app2, "POST", "/", "", NULL);
    h2_app_run(&app2);
    if (_i == 0)
        answer(0, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
    else
        wire_advance(&http_chain, 31000); /* its body pauses */
    h2_app_run(&app2);
    ck_assert_msg(s->status == (_i == 0 ? 413 : 408), "%u", s->status);
    ck_assert(!app2.goaway);
    live(0, UINT64_MAX, REASON_CONNECTION_AGE);
    h2_app_run(&app2);
    ck_assert(app2.goaway && app2.goaway_code == HTTP2_NO_ERROR);
}
END_TEST

START_TEST(each_stream_is_answered_when_the_time_is_over)
{
    struct h2_app_stream *s = h2_app_ask(&app2, "GET", "/", NULL, NULL), *begun = h2_app_ask(&app2, "GET", "/", NULL, NULL);
    h2_app_run(&app2);
    answer(1, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
    h2_app_run(&app2);
    live(0, 0, REASON_CERTIFICATE_REPLACED);
    h2_app_run(&app2);
    ck_assert_msg(s->status == 503 && s->ended, "%u", s->status);
    ck_assert(begun->status == 200 && begun->reset);
    ck_assert(app2.goaway);
}
END_TEST

/* ---- tcp ---- */

static struct wire w;

static struct wire_socket *tunnel(void)
{
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, "hi");
    wire_run(&w);
    return app;
}

static void open_tcp(void)
{
    wire_open(&w, &(struct wire_setup){.protocol = CONFIG_PROTOCOL_TCP, .no_verifier = true});
}

static void close_tcp(void)
{
    wire_close(&w);
}

START_TEST(a_tcp_connection_runs_until_its_time_is_over_and_is_cut_then)
{
    struct wire_socket *app = tunnel();
    struct lifetime l = {0, w.now.us + 5, REASON_CONNECTION_AGE};
    ck_assert_uint_eq(client_live(wire_client(&w.injector), &l, w.now), l.hard_us);
    wire_say(app, "on");
    wire_run(&w);
    ck_assert_str_eq(wire_got(wire_backend_socket(&w, 0)), "hion");
    l.hard_us = 0;
    ck_assert_uint_eq(client_live(wire_client(&w.injector), &l, w.now), UINT64_MAX);
    wire_run(&w);
    ck_assert(app->got_reset && wire_backend_socket(&w, 0)->got_reset);
    ck_assert_uint_eq(w.injector.n_seen, 1);
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_CONNECTION_AGE);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("client_lifetime");
    TCase *http = tcase_create("http"), *h2 = tcase_create("h2"), *tcp = tcase_create("tcp");
    tcase_add_unchecked_fixture(http, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(http, http_chain_open, http_chain_close);
    tcase_add_test(http, a_young_connection_is_left_alone);
    tcase_add_test(http, an_idle_client_is_told_with_its_next_response);
    tcase_add_test(http, a_response_that_has_begun_is_not_the_last_one);
    tcase_add_test(http, a_request_without_an_answer_gets_one_when_the_time_is_over);
    tcase_add_test(http, a_half_response_does_not_look_whole);
    tcase_add_test(http, an_idle_client_is_closed_when_the_time_is_over);
    tcase_add_test(http, a_websocket_runs_until_its_time_is_over_and_is_cut_then);
    tcase_add_unchecked_fixture(h2, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(h2, open_h2, close_h2);
    tcase_add_test(h2, a_client_of_http2_gets_goaway_and_its_answer);
    tcase_add_loop_test(h2, a_stream_that_ended_alone_keeps_no_goaway_back, 0, 2);
    tcase_add_test(h2, each_stream_is_answered_when_the_time_is_over);
    tcase_add_checked_fixture(tcp, open_tcp, close_tcp);
    tcase_add_test(tcp, a_tcp_connection_runs_until_its_time_is_over_and_is_cut_then);
    suite_add_tcase(s, http);
    suite_add_tcase(s, h2);
    suite_add_tcase(s, tcp);
    return s;
}
