/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels: bytes through injector and verifier, both ends of them, back-pressure and time. */
#include "t.h"
#include "wire.h"

#include <string.h>

static struct wire_pki pki;
static struct tls_context *connecting, *accepting;
static struct wire w;

static const size_t steps[] = {1, 2, 3, 7, 512, WIRE_ALL};
enum { N_STEPS = sizeof(steps) / sizeof(steps[0]), MIB = 1024 * 1024 };

static void make(void)
{
    struct wire_side good = {0};
    wire_pki_make(&pki);
    connecting = wire_pki_connecting(&pki, &good);
    accepting = wire_pki_accepting(&pki, &good);
}

static void drop(void)
{
    tls_context_unref(connecting);
    tls_context_unref(accepting);
    wire_pki_clear(&pki);
}

static void open_chain(void)
{
    struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_TCP, .connecting = connecting, .accepting = accepting};
    wire_open(&w, &setup);
}

static void close_chain(void)
{
    wire_close(&w);
}

/* An app with its tunnel to the backend. */
static struct wire_socket *tunnel(struct wire_socket **back)
{
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, "hi");
    wire_run(&w);
    *back = wire_backend_socket(&w, 0);
    ck_assert_ptr_nonnull(*back);
    ck_assert_str_eq(wire_got(*back), "hi");
    bytes_clear(&(*back)->got);
    return app;
}

START_TEST(bytes_pass_both_ways_whatever_the_cut)
{
    w.step = steps[_i];
    struct wire_socket *back, *app = tunnel(&back);
    wire_answer(back, "welcome");
    wire_say(app, "one");
    wire_run(&w);
    ck_assert_str_eq(wire_got(app), "welcome");
    ck_assert_str_eq(wire_got(back), "one");
}
END_TEST

/* The ClientHello, then the end of the handshake with what the app had said before. */
START_TEST(what_waited_for_the_handshake_leaves_with_its_end)
{
    struct wire_socket *back;
    tunnel(&back);
    const struct wire_socket *between = NULL;
    for (size_t i = 0; i < WIRE_SOCKETS; i++)
        if (w.sockets[i].used && w.sockets[i].client != NULL && w.sockets[i].server != NULL)
            between = &w.sockets[i];
    ck_assert_ptr_nonnull(between);
    ck_assert_uint_eq(between->up.writes, 2);
}
END_TEST

START_TEST(a_server_that_speaks_first_is_heard)
{
    struct wire_socket *app = wire_connect(&w);
    wire_run(&w);
    struct wire_socket *back = wire_backend_socket(&w, 0);
    ck_assert_ptr_nonnull(back);
    wire_answer(back, "220 ready");
    wire_run(&w);
    ck_assert_str_eq(wire_got(app), "220 ready");
}
END_TEST

START_TEST(a_backend_answers_10_mib_after_the_client_ended) /* D4 */
{
    w.keep_log = false;
    struct wire_socket *back, *app = tunnel(&back);
    wire_end(&app->up);
    wire_run(&w);
    ck_assert(back->got_end && !back->got_reset);
    ck_assert(!app->got_end);
    w.pattern = true;
    back->down.offer = 10 * MIB;
    wire_run(&w);
    ck_assert_uint_eq(app->pattern_at, 10 * MIB);
    ck_assert(!app->got_end);
    wire_end(&back->down);
    wire_run(&w);
    ck_assert(app->got_end && !app->got_reset);
    ck_assert_uint_eq(w.injector.n_seen, 1);
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_VALID);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_VALID);
}
END_TEST

START_TEST(a_client_sends_10_mib_after_the_backend_ended) /* D4 */
{
    w.keep_log = false;
    struct wire_socket *back, *app = tunnel(&back);
    wire_end(&back->down);
    wire_run(&w);
    ck_assert(app->got_end && !app->got_reset);
    w.pattern = true;
    app->up.offer = 10 * MIB;
    wire_run(&w);
    ck_assert_uint_eq(back->pattern_at, 10 * MIB);
    ck_assert(!back->got_end);
    wire_end(&app->up);
    wire_run(&w);
    ck_assert(back->got_end && !back->got_reset);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_VALID);
}
END_TEST

START_TEST(an_end_that_comes_with_the_first_bytes_loses_none) /* D4 */
{
    w.step = steps[_i];
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, "all I have to say");
    wire_end(&app->up);
    wire_run(&w);
    struct wire_socket *back = wire_backend_socket(&w, 0);
    ck_assert_str_eq(wire_got(back), "all I have to say");
    ck_assert(back->got_end && !back->got_reset);
    wire_answer(back, "understood");
    wire_end(&back->down);
    wire_run(&w);
    ck_assert_str_eq(wire_got(app), "understood");
    ck_assert(app->got_end && !app->got_reset);
}
END_TEST

/* ---- what is cut must look cut (B7) ---- */

START_TEST(a_cut_between_the_proxies_aborts_both_ends) /* B7 */
{
    struct wire_socket *back, *app = tunnel(&back);
    wire_say(app, "0123456789");
    wire_answer(back, "abcdefghij");
    wire_run(&w);
    struct wire_socket *between = wire_between(&w, 0);
    between->up.cut_after = between->up.taken;
    between->down.cut_after = between->down.taken;
    wire_finish(&w);
    ck_assert_msg(app->got_reset && !app->got_end, "the app takes what it got for whole");
    ck_assert_msg(back->got_reset && !back->got_end, "the backend takes what it got for whole");
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_TRUNCATED);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_TRUNCATED);
}
END_TEST

START_TEST(a_cut_at_any_byte_never_ends_cleanly) /* B7 */
{
    for (uint64_t n = 0; n < 60; n++) {
        close_chain();
        open_chain();
        struct wire_socket *back, *app = tunnel(&back), *between = wire_between(&w, 0);
        struct wire_pipe *p = _i == 0 ? &between->up : &between->down;
        p->cut_after = p->taken + n;
        wire_say(app, "0123456789");
        wire_answer(back, "abcdefghij");
        wire_end(_i == 0 ? &app->up : &back->down);
        wire_run(&w);
        if (!p->told || p->put == p->taken)
            continue; /* the end got through */
        struct wire_socket *cheated = _i == 0 ? back : app;
        ck_assert_msg(!cheated->got_end, "cut after %d", (int)n);
    }
}
END_TEST

START_TEST(an_aborting_client_aborts_the_backend) /* B7 */
{
    struct wire_socket *back, *app = tunnel(&back);
    app->up.reset = true;
    wire_finish(&w);
    ck_assert(back->got_reset && !back->got_end);
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_CLIENT_CLOSED);
}
END_TEST

START_TEST(an_aborting_backend_aborts_the_client) /* B7 */
{
    struct wire_socket *back, *app = tunnel(&back);
    back->down.reset = true;
    wire_finish(&w);
    ck_assert(app->got_reset && !app->got_end);
}
END_TEST

/* A client that goes without close_notify while its answer waits: what can no longer be encrypted must not keep it here. */
START_TEST(a_cut_client_with_output_waiting_is_gone_soon)
{
    struct wire_socket *back, *app = tunnel(&back), *between = wire_between(&w, 0);
    between->down.stalled = true;
    back->down.offer = MIB;
    wire_run(&w);
    between->up.cut_after = between->up.taken;
    wire_advance(&w, 5000);
    ck_assert_msg(wire_client(&w.verifier) == NULL, "the connection is still held");
    ck_assert(back->got_reset);
    (void)app;
}
END_TEST

START_TEST(an_upstream_that_refuses_aborts_the_client)
{
    w.injector.connect = WIRE_CONNECT_REFUSED;
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, "hi");
    wire_run(&w);
    ck_assert(app->got_reset && !app->got_end);
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_CONNECT_REFUSED);
}
END_TEST

/* ---- back-pressure (D6) ---- */

START_TEST(a_stalled_end_stops_the_other_within_bounds) /* D6 */
{
    w.keep_log = false;
    w.pattern = true;
    struct wire_socket *app = wire_connect(&w);
    wire_run(&w);
    struct wire_socket *back = wire_backend_socket(&w, 0);
    struct wire_pipe *from = _i == 0 ? &app->up : &back->down, *to = _i == 0 ? &back->up : &app->down;
    to->stalled = true;
    from->offer = 100 * MIB;
    wire_run(&w);
    ck_assert_uint_gt(from->offer, 98 * MIB);
    ck_assert_uint_lt(w.injector.most_pending, 512 * 1024);
    ck_assert_uint_lt(w.verifier.most_pending, 512 * 1024);
    from->offer = from->offer > 4 * MIB ? 4 * MIB : from->offer;
    uint64_t all = from->offered + from->offer;
    to->stalled = false;
    wire_run(&w);
    ck_assert_uint_eq(_i == 0 ? back->pattern_at : app->pattern_at, all);
}
END_TEST

START_TEST(one_stalled_direction_does_not_stop_the_other) /* D6 */
{
    w.keep_log = false;
    w.pattern = true;
    struct wire_socket *app = wire_connect(&w);
    wire_run(&w);
    struct wire_socket *back = wire_backend_socket(&w, 0);
    back->up.stalled = true;
    app->up.offer = 10 * MIB;
    back->down.offer = 2 * MIB;
    wire_run(&w);
    ck_assert_uint_eq(app->pattern_at, 2 * MIB);
    ck_assert_uint_gt(app->up.offer, 8 * MIB);
}
END_TEST

START_TEST(a_million_bytes_pass_in_odd_steps)
{
    w.keep_log = false;
    w.pattern = true;
    w.step = 1021;
    w.window = 3001;
    struct wire_socket *app = wire_connect(&w);
    wire_run(&w);
    struct wire_socket *back = wire_backend_socket(&w, 0);
    app->up.offer = MIB;
    back->down.offer = MIB;
    wire_run(&w);
    ck_assert_uint_eq(app->pattern_at, MIB);
    ck_assert_uint_eq(back->pattern_at, MIB);
}
END_TEST

/* ---- rules and time ---- */

START_TEST(a_client_that_no_rule_names_gets_access_denied)
{
    static char other[] = "somebody else";
    struct config_allow rule = {.cn = other};
    w.verifier.down_conf.allow = &rule;
    w.verifier.down_conf.n_allow = 1;
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, "marker");
    wire_finish(&w);
    ck_assert(app->got_reset);
    ck_assert_uint_eq(w.verifier.connects, 0);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_NOT_ALLOWED);
    ck_assert_int_eq(wire_last(&w.verifier)->alert_sent, 49);
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_OUR_CERTIFICATE_REFUSED);
    ck_assert_int_eq(wire_last(&w.injector)->alert_received, 49);
}
END_TEST

START_TEST(a_tunnel_where_nothing_moves_ends_after_the_idle_time)
{
    struct wire_socket *back, *app = tunnel(&back);
    wire_advance(&w, 500000);
    wire_say(app, "still here");
    wire_run(&w);
    wire_advance(&w, 599000);
    ck_assert(!app->got_end && !app->got_reset);
    wire_advance(&w, 2000);
    ck_assert(app->got_reset);
    ck_assert_ptr_null(wire_client(&w.injector));
    const struct wire_seen *seen = wire_last(&w.injector);
    ck_assert_msg(strstr(seen->detail, "(timeouts.idle of the listener is 10m)") != NULL, "%s", seen->detail);
    ck_assert_str_eq(seen->hint, "raise timeouts.idle of the listener if connections pause for longer");
}
END_TEST

START_TEST(a_tunnel_whose_upstream_hangs_ends_in_time)
{
    w.injector.connect = WIRE_CONNECT_HANGS;
    struct wire_socket *app = wire_connect(&w);
    wire_advance(&w, 4900);
    ck_assert(!app->got_reset);
    wire_advance(&w, 200);
    ck_assert(app->got_reset);
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_CONNECT_TIMEOUT);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_raw");
    TCase *t = tcase_create("flow");
    tcase_set_timeout(t, 60);
    tcase_add_unchecked_fixture(t, make, drop);
    tcase_add_checked_fixture(t, open_chain, close_chain);
    tcase_add_loop_test(t, bytes_pass_both_ways_whatever_the_cut, 0, N_STEPS);
    tcase_add_test(t, what_waited_for_the_handshake_leaves_with_its_end);
    tcase_add_test(t, a_server_that_speaks_first_is_heard);
    tcase_add_test(t, a_backend_answers_10_mib_after_the_client_ended);
    tcase_add_test(t, a_client_sends_10_mib_after_the_backend_ended);
    tcase_add_loop_test(t, an_end_that_comes_with_the_first_bytes_loses_none, 0, N_STEPS);
    tcase_add_test(t, a_cut_between_the_proxies_aborts_both_ends);
    tcase_add_loop_test(t, a_cut_at_any_byte_never_ends_cleanly, 0, 2);
    tcase_add_test(t, an_aborting_client_aborts_the_backend);
    tcase_add_test(t, an_aborting_backend_aborts_the_client);
    tcase_add_test(t, a_cut_client_with_output_waiting_is_gone_soon);
    tcase_add_test(t, an_upstream_that_refuses_aborts_the_client);
    tcase_add_loop_test(t, a_stalled_end_stops_the_other_within_bounds, 0, 2);
    tcase_add_test(t, one_stalled_direction_does_not_stop_the_other);
    tcase_add_test(t, a_million_bytes_pass_in_odd_steps);
    tcase_add_test(t, a_client_that_no_rule_names_gets_access_denied);
    tcase_add_test(t, a_tunnel_where_nothing_moves_ends_after_the_idle_time);
    tcase_add_test(t, a_tunnel_whose_upstream_hangs_ends_in_time);
    suite_add_tcase(s, t);
    return s;
}
