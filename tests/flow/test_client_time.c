/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when a client does nothing: every phase has an end, and draining shortens the rest. */
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

/* ---- clients that do not read (C7) ---- */

static void answer_a_lot(struct wire *on, struct wire_socket *s)
{
    (void)on;
    if (s->requests++ > 0)
        return;
    wire_answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n");
    s->down.offer = 2000000;
}

START_TEST(a_client_that_takes_nothing_is_cut) /* C7 */
{
    http_chain.on_backend = answer_a_lot;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_greet(&http_chain, app);
    app->down.stalled = true;
    http_chain_ask(app, GET);
    for (int i = 0; i < 29; i++) {
        wire_say(app, "."); /* its own bytes buy it no time */
        wire_advance(&http_chain, 1000);
    }
    ck_assert_uint_eq(http_chain.injector.n_seen, 0);
    wire_advance(&http_chain, 1200);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_CLIENT_STALLED);
    ck_assert(app->down.reset);
    wire_finish(&http_chain);
    ck_assert_uint_eq(pool_idle_count(http_chain.injector.env.pool), 0);
}
END_TEST

START_TEST(a_client_that_reads_slowly_gets_everything)
{
    http_chain.on_backend = answer_a_lot;
    http_chain.step = 20000;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    for (int i = 0; i < 20 && app->got.len < 2000000; i++) {
        app->down.stalled = i % 2 == 0;
        wire_advance(&http_chain, 25000);
    }
    app->down.stalled = false;
    wire_run(&http_chain);
    ck_assert_uint_gt(app->got.len, 2000000);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_VALID);
}
END_TEST

START_TEST(a_client_that_asks_and_asks_and_never_reads_is_cut) /* C7 */
{
    http_chain.window = 100;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_greet(&http_chain, app);
    app->down.stalled = true;
    for (int i = 0; i < 34; i++) {
        wire_say(app, GET);
        wire_advance(&http_chain, 1000);
    }
    ck_assert(app->down.reset);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_CLIENT_STALLED);
}
END_TEST

static void answer_100_kb(struct wire *on, struct wire_socket *s)
{
    (void)on;
    if (s->requests++ > 0)
        return;
    wire_answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    s->down.offer = 100000;
}

/* Lets the client take that many bytes a second, while it goes on sending. Gives how many seconds its connection lasted. */
static int seconds_to_the_end(struct wire_socket *app, size_t taken)
{
    int i = 0;
    for (; i < 1000 && !app->down.ended; i++) {
        wire_say(app, "and more");
        bytes_consume(&app->down.data, app->down.data.len < taken ? app->down.data.len : taken);
        wire_advance(&http_chain, 1000);
    }
    return i;
}

START_TEST(the_last_words_are_not_waited_for_without_end) /* C7 */
{
    static const struct { /* a window's worth is the socket's, the other 34 KB wait in the proxy */
        const char *why;
        size_t taken;
        int at_least, at_most;
        bool cut;
    } cases[] = {
        {"who reads nothing", 0, 29, 31, true},
        {"who reads a byte a second", 1, 65, 75, true},
        {"who reads at a fair rate gets all and two seconds", 2000, 17, 22, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        http_chain_close();
        http_chain_open();
        http_chain.on_backend = answer_100_kb;
        struct wire_socket *app = wire_connect(&http_chain);
        app->down.stalled = true;
        wire_say(app, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        int lasted = seconds_to_the_end(app, cases[i].taken);
        ck_assert_msg(lasted >= cases[i].at_least && lasted <= cases[i].at_most, "%s: %d s", cases[i].why, lasted);
        ck_assert_msg(app->down.reset == cases[i].cut, "%s", cases[i].why);
    }
}
END_TEST

START_TEST(a_client_that_goes_on_sending_is_left_two_seconds_after_the_last_word) /* C7 */
{
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
    ck_assert_ptr_nonnull(strstr(wire_got(app), "hello"));
    for (int i = 0; i < 19; i++) {
        wire_say(app, "and more");
        wire_advance(&http_chain, 100);
    }
    ck_assert(wire_client(&http_chain.injector) != NULL);
    wire_say(app, "and more");
    wire_advance(&http_chain, 300);
    ck_assert(wire_client(&http_chain.injector) == NULL);
}
END_TEST

/* ---- drain ---- */

START_TEST(draining_finishes_what_runs_and_then_closes)
{
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    http_chain.injector.env.draining = true;
    client_on_drain(wire_client(&http_chain.injector), http_chain.now);
    wire_answer(wire_backend_socket(&http_chain, 0), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "Connection: close"));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "\r\n\r\nok"));
    wire_finish(&http_chain);
    ck_assert(app->got_end && !app->got_reset);
}
END_TEST

START_TEST(an_idle_client_may_send_one_more_request_after_the_last_call)
{
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    client_on_last_call(wire_client(&http_chain.injector), http_chain.now);
    wire_run(&http_chain);
    ck_assert(!app->got_end);
    bytes_clear(&app->got);
    http_chain_ask(app, GET);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "Connection: close"));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "hello"));
    wire_finish(&http_chain);
    ck_assert(app->got_end && !app->got_reset);
}
END_TEST

START_TEST(an_idle_client_that_sends_nothing_after_the_last_call_is_closed)
{
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    client_on_last_call(wire_client(&http_chain.injector), http_chain.now);
    wire_run(&http_chain);
    client_on_drain(wire_client(&http_chain.injector), http_chain.now);
    wire_finish(&http_chain);
    ck_assert(app->got_end && !app->got_reset);
}
END_TEST

static void cut(struct wire_node *n)
{
    ck_assert(client_cut(wire_client(n), "time is up", http_chain.now));
    wire_run(&http_chain);
    ck_assert_ptr_null(wire_client(n));
    ck_assert_int_eq(wire_last(n)->reason, REASON_DRAINING);
    ck_assert_str_eq(wire_last(n)->detail, "time is up");
}

START_TEST(what_is_cut_is_told)
{
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    cut(&http_chain.injector);
    ck_assert(app->got_reset && wire_last(&http_chain.injector)->kind == REPORT_REQUEST);
    ck_assert_uint_eq(wire_last(&http_chain.injector)->status, 0);

    app = wire_connect(&http_chain); /* half of a head */
    wire_say(app, "GET / HTT");
    wire_run(&http_chain);
    cut(&http_chain.injector);

    http_chain.injector.connect = WIRE_CONNECT_HANGS;
    http_chain_ask(wire_connect(&http_chain), GET);
    cut(&http_chain.injector);
    ck_assert_uint_eq(http_chain.injector.n_seen, 3);
}
END_TEST

START_TEST(an_answer_that_was_not_taken_is_cut_too)
{
    http_chain.on_backend = answer_100_kb;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_greet(&http_chain, app);
    app->down.stalled = true;
    wire_say(app, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    wire_run(&http_chain);
    cut(&http_chain.injector);
}
END_TEST

START_TEST(who_asks_nothing_is_not_cut)
{
    wire_connect(&http_chain);
    ck_assert(!client_cut(wire_client(&http_chain.injector), "", http_chain.now));
    wire_run(&http_chain);
    http_chain_ask(wire_connect(&http_chain), GET); /* and was answered */
    ck_assert(!client_cut(wire_client(&http_chain.injector), "", http_chain.now));
    wire_run(&http_chain);
    http_chain.injector.present = false; /* a handshake that never begins */
    wire_connect(&http_chain);
    ck_assert(!client_cut(wire_client(&http_chain.verifier), "", http_chain.now));
    wire_run(&http_chain);
    http_chain.injector.present = true;
    ck_assert_ptr_null(wire_client(&http_chain.injector));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("client_time");
    TCase *t = tcase_create("flow");
    tcase_add_unchecked_fixture(t, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(t, http_chain_open, http_chain_close);
    tcase_add_loop_test(t, an_unfinished_head_is_answered_408, 0, 2);
    tcase_add_test(t, an_idle_connection_is_closed_without_a_word);
    tcase_add_test(t, a_client_that_never_starts_tls_is_dropped);
    tcase_add_test(t, a_client_that_takes_nothing_is_cut);
    tcase_add_test(t, a_client_that_reads_slowly_gets_everything);
    tcase_add_test(t, a_client_that_asks_and_asks_and_never_reads_is_cut);
    tcase_add_test(t, the_last_words_are_not_waited_for_without_end);
    tcase_add_test(t, a_client_that_goes_on_sending_is_left_two_seconds_after_the_last_word);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, draining_finishes_what_runs_and_then_closes);
    tcase_add_test(t, an_idle_client_may_send_one_more_request_after_the_last_call);
    tcase_add_test(t, an_idle_client_that_sends_nothing_after_the_last_call_is_closed);
    tcase_add_test(t, what_is_cut_is_told);
    tcase_add_test(t, an_answer_that_was_not_taken_is_cut_too);
    tcase_add_test(t, who_asks_nothing_is_not_cut);
    suite_add_tcase(s, t);
    return s;
}
