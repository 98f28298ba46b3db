/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a turn, with a driver that writes down what it is told; whole connections: tests/flow. */
#include "mtlsd/proxy/pump.h"
#include "mtlsd/proxy/pool.h"
#include "mtlsd/proxy/uplink.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct config_upstream conf;
static struct config_target target_conf;
static struct plan_upstream upstream;
static struct plan_target target;
static struct proxy_env env;
static struct uplink *u;
static const struct moment now = {.us = 1000000};
static char seen[256], socket_of_u;
static size_t room, asked;
static bool fails, insists;

static void note(const char *what)
{
    snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s;", what);
}

static size_t send_runs(void *socket, const struct span *runs, size_t n)
{
    char text[32];
    ck_assert_ptr_eq(socket, &socket_of_u);
    asked++;
    if (insists)
        run_touch(&u->link); /* as others do that have something for it */
    size_t len = n > 0 ? runs[0].len : 0, sent = len < room ? len : room;
    room -= sent;
    snprintf(text, sizeof(text), "send %zu", sent);
    if (len > 0)
        note(text);
    return sent;
}

static bool has_failed(void *socket, struct run_failure *why)
{
    (void)socket;
    snprintf(why->text, sizeof(why->text), "broken pipe");
    return fails;
}

static bool shut(void *socket)
{
    (void)socket;
    note("shut");
    return true;
}

static void end_turn(void *socket, bool reads, struct moment when)
{
    (void)socket;
    ck_assert_uint_eq(when.us, now.us);
    note(reads ? "reads" : "rests");
}

static void connect_uplink(struct uplink *at)
{
    note("connect");
    at->link.socket = &socket_of_u;
    uplink_on_connected(at, now);
    pump(&env, now); /* within itself it does nothing */
}

static const struct run_driver driver = {.send = send_runs, .has_failed = has_failed, .shut = shut, .end_turn = end_turn};

static void set_up(void)
{
    struct err err = {0};
    conf = (struct config_upstream){.connect_ms = 5000};
    upstream = (struct plan_upstream){.conf = &conf};
    target = (struct plan_target){.conf = &target_conf, .upstream = &upstream};
    env = (struct proxy_env){.run = {.drivers = {[LINK_UPLINK] = &driver}, .connect = connect_uplink}, .pool = pool_new(&target, 1)};
    const struct dial dial = {.target = &target, .address = &target_conf.address};
    u = uplink_new(&env, &dial, false, NULL, now, &err);
    ck_assert(env.pool != NULL && u != NULL);
    seen[0] = '\0';
    room = 1000;
    asked = 0;
    fails = insists = false;
}

static void tear_down(void)
{
    uplink_free(u);
    pool_free(env.pool);
}

START_TEST(a_new_uplink_is_connected_and_its_turn_ends_once)
{
    pump(&env, now);
    ck_assert_str_eq(seen, "connect;reads;");
    pump(&env, now);
    ck_assert_str_eq(seen, "connect;reads;");
}
END_TEST

START_TEST(frames_wait_for_the_end_of_the_loops_turn_where_the_driver_has_one)
{
    static const struct http2_limits limits = {.max_head_bytes = 1000, .max_fields = 10};
    pump(&env, now);
    u->link.h2 = http2_new(HTTP2_CLIENT, &limits);
    ck_assert_ptr_nonnull(u->link.h2);
    env.run.holds = true;
    seen[0] = '\0';
    run_touch(&u->link);
    pump(&env, now);
    run_touch(&u->link);
    pump(&env, now);
    ck_assert_str_eq(seen, "");
    pump_held(&env, now); /* the end of both turns, too */
    ck_assert_int_eq(strncmp(seen, "send ", 5), 0);
    ck_assert_ptr_nonnull(strstr(seen, ";reads;"));
    ck_assert(env.run.holds && env.run.held == NULL && link_pending(&u->link) == 0);
    link_end(&u->link);
    http2_ping(u->link.h2);
    seen[0] = '\0';
    pump(&env, now);
    ck_assert_int_eq(strncmp(seen, "send ", 5), 0); /* what ends does not wait */
    u->link.end_wanted = false;
    run_hold(&u->link);
    run_forget(&u->link);
    ck_assert(env.run.held == NULL && !u->link.place.held);
}
END_TEST

START_TEST(what_was_written_is_sent_and_the_end_follows_it)
{
    pump(&env, now);
    seen[0] = '\0';
    link_write_copy(&u->link, span_from_str("hello"));
    link_end(&u->link);
    pump(&env, now);
    ck_assert_str_eq(seen, "send 5;shut;reads;");
}
END_TEST

START_TEST(a_socket_is_asked_only_for_what_there_is_to_send)
{
    pump(&env, now);
    run_touch(&u->link);
    pump(&env, now);
    ck_assert_uint_eq(asked, 0);
    link_write_copy(&u->link, span_from_str("hello"));
    pump(&env, now);
    ck_assert_uint_eq(asked, 1);
}
END_TEST

START_TEST(what_the_socket_does_not_take_waits)
{
    pump(&env, now);
    seen[0] = '\0';
    room = 2;
    link_write_copy(&u->link, span_from_str("hello"));
    link_end(&u->link);
    pump(&env, now);
    ck_assert_str_eq(seen, "send 2;send 0;reads;");
    ck_assert_uint_eq(link_pending(&u->link), 3);
    room = 100;
    seen[0] = '\0';
    run_touch(&u->link);
    pump(&env, now);
    ck_assert_str_eq(seen, "send 3;shut;reads;");
}
END_TEST

START_TEST(one_that_is_driven_too_often_comes_back_in_the_next_turn)
{
    pump(&env, now);
    ck_assert(!run_waits(&env.run));
    insists = true;
    room = 0;
    link_write_copy(&u->link, span_from_str("hello"));
    for (unsigned turns = 1; turns < 3; turns++) {
        pump(&env, now);
        ck_assert_uint_eq(asked, turns * RUN_DRIVES);
        ck_assert(run_waits(&env.run));
    }
    insists = false;
    pump(&env, now);
    ck_assert(!run_waits(&env.run));
}
END_TEST

START_TEST(one_that_is_retired_is_left_to_the_driver)
{
    pump(&env, now);
    seen[0] = '\0';
    link_write_copy(&u->link, span_from_str("hello"));
    pool_retire(env.pool, u);
    pump(&env, now);
    ck_assert_str_eq(seen, "");
    ck_assert_ptr_eq(pool_next_retired(env.pool), u);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("pump");
    TCase *t = tcase_create("pump");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_new_uplink_is_connected_and_its_turn_ends_once);
    tcase_add_test(t, frames_wait_for_the_end_of_the_loops_turn_where_the_driver_has_one);
    tcase_add_test(t, what_was_written_is_sent_and_the_end_follows_it);
    tcase_add_test(t, a_socket_is_asked_only_for_what_there_is_to_send);
    tcase_add_test(t, what_the_socket_does_not_take_waits);
    tcase_add_test(t, one_that_is_driven_too_often_comes_back_in_the_next_turn);
    tcase_add_test(t, one_that_is_retired_is_left_to_the_driver);
    suite_add_tcase(s, t);
    return s;
}
