/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when nothing happens between a request and its answer: every wait has an end. */
#include "http_chain.h"
#include "t.h"

#include <string.h>

static const char GET[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

START_TEST(a_connect_that_hangs_is_answered_504)
{
    http_chain.injector.connect = WIRE_CONNECT_HANGS;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    wire_advance(&http_chain, 4900);
    ck_assert_str_eq(wire_got(app), "");
    wire_advance(&http_chain, 200);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "504 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "connect_timeout"));
}
END_TEST

START_TEST(a_handshake_that_hangs_is_answered_504)
{
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, GET);
    http_chain.verifier.present = false; /* whoever is there instead takes the hello and says nothing */
    http_chain.on_backend = http_chain_silent;
    wire_advance(&http_chain, 9900);
    ck_assert_str_eq(wire_got(app), "");
    wire_advance(&http_chain, 200);
    http_chain.verifier.present = true;
    ck_assert_ptr_nonnull(strstr(wire_got(app), "504 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "handshake_timeout"));
}
END_TEST

START_TEST(an_answer_that_does_not_come_is_504)
{
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    http_chain.injector.up_conf.response_ms = 120000;
    wire_advance(&http_chain, 59900);
    ck_assert_str_eq(wire_got(app), "");
    wire_advance(&http_chain, 200);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "504 "));
    ck_assert_int_eq(wire_last(&http_chain.verifier)->reason, REASON_RESPONSE_TIMEOUT);
}
END_TEST

START_TEST(an_answer_that_stops_is_cut)
{
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    wire_answer(wire_backend_socket(&http_chain, 0), "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    wire_finish(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "abc"));
    ck_assert(app->got_reset);
}
END_TEST

START_TEST(what_the_client_sends_meanwhile_does_not_put_off_the_answer)
{
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    for (int i = 0; i < 7; i++) {
        ck_assert_str_eq(wire_got(app), i < 6 ? "" : wire_got(app));
        wire_say(app, GET);
        wire_advance(&http_chain, 10000);
    }
    ck_assert_ptr_nonnull(strstr(wire_got(app), "504 "));
}
END_TEST

/* ---- bodies (C7) ---- */

static const char UPLOAD[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";

START_TEST(a_body_that_pauses_is_answered_408) /* C7 */
{
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain.injector.down_conf.min_body_rate = http_chain.verifier.down_conf.min_body_rate = 0;
    http_chain_ask(app, UPLOAD);
    for (int i = 0; i < 3; i++) {
        wire_say(app, "abc");
        wire_advance(&http_chain, 29900);
        ck_assert_str_eq(wire_got(app), "");
    }
    wire_advance(&http_chain, 200);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "408 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "Connection: close"));
    wire_finish(&http_chain);
    ck_assert(app->got_end);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_REQUEST_TIMEOUT);
    ck_assert_uint_eq(http_chain.n_requests, 0);
    ck_assert_uint_eq(pool_idle_count(http_chain.injector.env.pool), 0);
}
END_TEST

/* Sends so many bytes in each of so many seconds. */
static void trickle(struct wire_socket *app, size_t bytes, int seconds)
{
    static const uint8_t many[2000];
    for (int i = 0; i < seconds; i++) {
        wire_say_span(app, span_of(many, bytes));
        wire_advance(&http_chain, 1000);
    }
}

START_TEST(a_body_has_to_come_at_a_rate) /* C7 */
{
    static const struct {
        const char *why;
        size_t bytes;
        unsigned rate;
        int seconds;
        bool passes;
    } cases[] = {
        {"not before it is ten seconds old", 10, 500, 9, true}, {"ten bytes a second are an attack", 10, 500, 11, false},
        {"too slow by a little", 490, 500, 11, false},          {"fast enough, long", 520, 500, 120, true},
        {"any rate will do", 1, 0, 120, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        http_chain.injector.down_conf.min_body_rate = http_chain.verifier.down_conf.min_body_rate = cases[i].rate;
        struct wire_socket *app = wire_connect(&http_chain);
        http_chain_ask(app, UPLOAD);
        trickle(app, cases[i].bytes, cases[i].seconds);
        ck_assert_msg((strstr(wire_got(app), "408 ") == NULL) == cases[i].passes, "%s: %s", cases[i].why, wire_got(app));
        app->up.reset = true;
        wire_finish(&http_chain);
    }
}
END_TEST

START_TEST(a_fast_start_does_not_buy_a_slow_end_for_ever) /* C7 */
{
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, UPLOAD);
    trickle(app, 2000, 10); /* forty seconds' worth */
    trickle(app, 1, 29);
    ck_assert_str_eq(wire_got(app), "");
    trickle(app, 1, 2);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "408 "));
}
END_TEST

START_TEST(an_upstream_that_takes_nothing_is_not_the_clients_fault)
{
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    wire_backend_socket(&http_chain, 0)->up.stalled = true;
    bytes_clear(&app->got);
    wire_say(app, UPLOAD);
    app->up.offer = 1000000;
    wire_advance(&http_chain, 100000);
    ck_assert_str_eq(wire_got(app), "");
    ck_assert(app->up.offer > 0);
    wire_backend_socket(&http_chain, 0)->up.stalled = false;
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "200 OK"));
}
END_TEST

START_TEST(a_client_that_waits_for_100_is_not_hurried)
{
    http_chain.on_backend = http_chain_silent;
    http_chain.injector.down_conf.min_body_rate = http_chain.verifier.down_conf.min_body_rate = 0;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    wire_advance(&http_chain, 50000);
    wire_answer(wire_backend_socket(&http_chain, 0), "HTTP/1.1 100 Continue\r\n\r\n");
    wire_run(&http_chain);
    ck_assert_str_eq(wire_got(app), "HTTP/1.1 100 Continue\r\n\r\n");
    wire_advance(&http_chain, _i == 0 ? 29000 : 31000);
    ck_assert((strstr(wire_got(app), "408 ") != NULL) == (_i == 1)); /* from here on it is */
}
END_TEST

START_TEST(an_upstream_that_never_says_100_is_504)
{
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    wire_advance(&http_chain, 61000);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "504 "));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_time");
    TCase *t = tcase_create("flow");
    tcase_add_unchecked_fixture(t, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(t, http_chain_open, http_chain_close);
    tcase_add_test(t, a_connect_that_hangs_is_answered_504);
    tcase_add_test(t, a_handshake_that_hangs_is_answered_504);
    tcase_add_test(t, an_answer_that_does_not_come_is_504);
    tcase_add_test(t, an_answer_that_stops_is_cut);
    tcase_add_test(t, what_the_client_sends_meanwhile_does_not_put_off_the_answer);
    tcase_add_test(t, a_body_that_pauses_is_answered_408);
    tcase_add_test(t, a_body_has_to_come_at_a_rate);
    tcase_add_test(t, a_fast_start_does_not_buy_a_slow_end_for_ever);
    tcase_add_test(t, an_upstream_that_takes_nothing_is_not_the_clients_fault);
    tcase_add_test(t, an_upstream_that_never_says_100_is_504);
    tcase_add_loop_test(t, a_client_that_waits_for_100_is_not_hurried, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
