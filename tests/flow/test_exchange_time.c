/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when nothing does: every phase has an end, and draining shortens the rest. */
#include "http_chain.h"
#include "t.h"

#include <string.h>

static const char GET[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

static const char *const unfinished[] = {"GET / HTTP/1.1\r\nHost:", "G"};

START_TEST(an_unfinished_head_is_answered_408)
{
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, unfinished[_i]);
    wire_advance(&http_chain, 9900);
    ck_assert(!app->got_end);
    wire_say(app, "/"); /* a byte now and then does not buy time */
    wire_advance(&http_chain, 200);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "408 "));
    wire_finish(&http_chain);
    ck_assert(app->got_end);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_REQUEST_TIMEOUT);
}
END_TEST

START_TEST(an_idle_connection_is_closed_without_a_word)
{
    struct wire_socket *app = wire_connect(&http_chain);
    wire_advance(&http_chain, 59900);
    ck_assert(!app->got_end);
    wire_advance(&http_chain, 200);
    ck_assert(app->got_end && !app->got_reset);
    ck_assert_str_eq(wire_got(app), "");
    ck_assert_uint_eq(http_chain.injector.n_seen, 0);
}
END_TEST

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

START_TEST(a_client_that_never_starts_tls_is_dropped)
{
    http_chain.injector.present = false;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_advance(&http_chain, 9900);
    ck_assert(!app->got_end && !app->got_reset);
    wire_advance(&http_chain, 200);
    http_chain.injector.present = true;
    ck_assert(app->got_end || app->got_reset);
    ck_assert_int_eq(wire_last(&http_chain.verifier)->reason, REASON_HANDSHAKE_TIMEOUT);
}
END_TEST

/* ---- drain ---- */

START_TEST(draining_finishes_what_runs_and_then_closes)
{
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    http_chain.injector.env.draining = true;
    exchange_on_drain(wire_exchange(&http_chain.injector), http_chain.now);
    wire_answer(wire_backend_socket(&http_chain, 0), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "Connection: close"));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "\r\n\r\nok"));
    wire_finish(&http_chain);
    ck_assert(app->got_end && !app->got_reset);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_time");
    TCase *t = tcase_create("flow");
    tcase_add_unchecked_fixture(t, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(t, http_chain_open, http_chain_close);
    tcase_add_loop_test(t, an_unfinished_head_is_answered_408, 0, 2);
    tcase_add_test(t, an_idle_connection_is_closed_without_a_word);
    tcase_add_test(t, a_connect_that_hangs_is_answered_504);
    tcase_add_test(t, a_handshake_that_hangs_is_answered_504);
    tcase_add_test(t, an_answer_that_does_not_come_is_504);
    tcase_add_test(t, an_answer_that_stops_is_cut);
    tcase_add_test(t, a_client_that_never_starts_tls_is_dropped);
    tcase_add_test(t, draining_finishes_what_runs_and_then_closes);
    suite_add_tcase(s, t);
    return s;
}
