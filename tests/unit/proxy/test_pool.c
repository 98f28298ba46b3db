/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/pool.h"
#include "mtlsd/proxy/uplink.h"
#include "t.h"

#include <limits.h>

static struct config_upstream conf[2], foreign_conf;
static struct plan_upstream upstreams[2], foreign_upstream;
static struct plan_target plans[2], foreign[1];
static struct proxy_env env;
static struct pool *p;

static void begin(void)
{
    for (size_t i = 0; i < 2; i++) {
        conf[i] = (struct config_upstream){.pool_max = 3, .pool_idle_ms = 10};
        upstreams[i] = (struct plan_upstream){.conf = &conf[i], .index = i};
        plans[i] = (struct plan_target){.upstream = &upstreams[i], .index = i};
    }
    foreign_conf = conf[0];
    foreign_upstream = (struct plan_upstream){.conf = &foreign_conf};
    foreign[0] = (struct plan_target){.upstream = &foreign_upstream};
    p = pool_new(plans, 2);
    ck_assert_ptr_nonnull(p);
}

static size_t reap(void)
{
    size_t n = 0;
    struct uplink *u;
    while ((u = pool_next_retired(p)) != NULL) {
        ck_assert_int_eq(u->phase, UPLINK_RETIRED);
        uplink_free(u);
        n++;
    }
    return n;
}

static void end(void)
{
    pool_retire_all(p);
    reap();
    pool_free(p);
}

static struct uplink *make(const struct plan_target *plan)
{
    static const struct moment now;
    struct err err = {0};
    const struct dial dial = {.target = plan};
    struct uplink *u = uplink_new(&env, &dial, UPLINK_HTTP, NULL, now, &err);
    ck_assert_ptr_nonnull(u);
    u->phase = UPLINK_OPEN;
    return u;
}

START_TEST(gives_the_one_used_last_and_only_of_that_upstream)
{
    struct uplink *a = make(&plans[0]), *b = make(&plans[0]), *other = make(&plans[1]);
    ck_assert_ptr_null(pool_take(p, &plans[0], false, 5));
    pool_put(p, a, 1);
    pool_put(p, b, 2);
    pool_put(p, other, 3);
    ck_assert_uint_eq(pool_idle_count(p), 3);
    ck_assert(a->pooled.shelved);
    ck_assert_ptr_eq(pool_take(p, &plans[0], false, 5), b);
    ck_assert_ptr_eq(pool_take(p, &plans[0], false, 5), a);
    ck_assert_ptr_null(pool_take(p, &plans[0], false, 5));
    ck_assert_ptr_eq(pool_take(p, &plans[1], false, 5), other);
    ck_assert_uint_eq(pool_idle_count(p), 0);
    uplink_free(a);
    uplink_free(b);
    uplink_free(other);
}
END_TEST

START_TEST(retires_what_is_more_than_the_maximum)
{
    for (int i = 0; i < 5; i++)
        pool_put(p, make(&plans[0]), 1);
    ck_assert_uint_eq(pool_idle_count(p), 3);
    ck_assert_uint_eq(reap(), 2);
    conf[1].pool_max = 0;
    pool_put(p, make(&plans[1]), 1);
    ck_assert_uint_eq(reap(), 1);
}
END_TEST

START_TEST(never_gives_a_connection_of_another_snapshot) /* B4 */
{
    pool_put(p, make(foreign), 1); /* the same name and the same index, made with what was loaded before */
    ck_assert_uint_eq(pool_idle_count(p), 0);
    ck_assert_ptr_null(pool_take(p, &plans[0], false, 5));
    ck_assert_ptr_null(pool_take(p, foreign, false, 5));
    ck_assert_uint_eq(reap(), 1);
    pool_put(p, make(&plans[0]), 1);
    ck_assert_ptr_null(pool_take(p, foreign, false, 5));
}
END_TEST

START_TEST(retires_from_anywhere_on_the_shelf)
{
    struct uplink *three[3];
    for (size_t gone = 0; gone < 3; gone++) {
        for (size_t i = 0; i < 3; i++)
            pool_put(p, three[i] = make(&plans[0]), i);
        pool_retire(p, three[gone]);
        ck_assert_uint_eq(pool_idle_count(p), 2);
        ck_assert_ptr_eq(pool_next_retired(p), three[gone]);
        uplink_free(three[gone]);
        for (size_t i = 3; i-- > 0;) {
            if (i == gone)
                continue;
            ck_assert_ptr_eq(pool_take(p, &plans[0], false, 5), three[i]);
            uplink_free(three[i]);
        }
    }
}
END_TEST

START_TEST(retires_one_in_use_without_touching_the_shelf)
{
    struct uplink *kept = make(&plans[0]), *used = make(&plans[0]);
    pool_put(p, kept, 1);
    pool_retire(p, used);
    ck_assert_uint_eq(pool_idle_count(p), 1);
    ck_assert_uint_eq(reap(), 1);
    ck_assert_ptr_eq(pool_take(p, &plans[0], false, 5), kept);
    uplink_free(kept);
}
END_TEST

START_TEST(expires_what_was_idle_for_too_long)
{
    conf[1].pool_idle_ms = 1000;
    pool_put(p, make(&plans[0]), 0);
    pool_put(p, make(&plans[0]), 5000);
    pool_put(p, make(&plans[1]), 0);
    ck_assert_uint_eq(pool_expire(p, 9999), 0);
    ck_assert_uint_eq(pool_expire(p, 10000), 1);
    ck_assert_uint_eq(pool_expire(p, 14999), 0);
    ck_assert_uint_eq(pool_expire(p, 15000), 1);
    ck_assert_uint_eq(pool_idle_count(p), 1);
    ck_assert_uint_eq(pool_expire(p, 1000000), 1);
    ck_assert_uint_eq(reap(), 3);
}
END_TEST

START_TEST(does_not_give_one_whose_time_is_over)
{
    struct uplink *late = make(&plans[0]), *soon = make(&plans[0]);
    conf[0].pool_idle_ms = 60000;
    soon->pooled.keep_us = 4000000;
    pool_put(p, late, 1000000);
    pool_put(p, soon, 2000000);
    ck_assert_ptr_eq(pool_take(p, &plans[0], false, 5999999), soon);
    pool_put(p, soon, 2000000);
    ck_assert_ptr_eq(pool_take(p, &plans[0], false, 6000000), late); /* the server may close the other one now */
    ck_assert_uint_eq(pool_idle_count(p), 0);
    ck_assert_uint_eq(reap(), 1);
    pool_put(p, late, 1000000);
    ck_assert_ptr_null(pool_take(p, &plans[0], false, 61000000));
    ck_assert_uint_eq(reap(), 1);
}
END_TEST

START_TEST(keeps_none_that_may_not_idle_and_none_for_longer_than_configured)
{
    struct uplink *never = make(&plans[0]), *long_one = make(&plans[0]), *short_one = make(&plans[0]);
    conf[0].pool_idle_ms = 1000;
    never->pooled.keep_us = 0;
    long_one->pooled.keep_us = UINT64_MAX - 1;
    short_one->pooled.keep_us = 500000;
    pool_put(p, never, 0);
    ck_assert_uint_eq(reap(), 1);
    pool_put(p, short_one, 0);
    pool_put(p, long_one, 0); /* in front of the other one, whose time is over earlier */
    ck_assert_uint_eq(pool_expire(p, 499999), 0);
    ck_assert_uint_eq(pool_expire(p, 500000), 1);
    ck_assert_uint_eq(pool_expire(p, 999999), 0);
    ck_assert_uint_eq(pool_expire(p, 1000000), 1);
    ck_assert_uint_eq(reap(), 2);
}
END_TEST

START_TEST(retires_all_of_every_upstream)
{
    pool_put(p, make(&plans[0]), 0);
    pool_put(p, make(&plans[0]), 0);
    pool_put(p, make(&plans[1]), 0);
    pool_retire_all(p);
    ck_assert_uint_eq(pool_idle_count(p), 0);
    ck_assert_uint_eq(reap(), 3);
    ck_assert_uint_eq(reap(), 0);
}
END_TEST

static void put_many(size_t n)
{
    for (size_t i = 0; i < n; i++)
        pool_put(p, make(&plans[0]), 1);
}

static void trim_for(unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++)
        pool_trim(p);
}

/* Requests that use so many connections at once, each second. */
static void use_each_second(size_t n, unsigned seconds)
{
    struct uplink *used[600];
    for (unsigned second = 0; second < seconds; second++) {
        for (size_t i = 0; i < n; i++)
            ck_assert_ptr_nonnull(used[i] = pool_take(p, &plans[0], false, 5));
        for (size_t i = n; i-- > 0;)
            pool_put(p, used[i], 5);
        pool_trim(p);
    }
}

START_TEST(keeps_what_the_requests_of_the_last_seconds_used)
{
    conf[0].pool_max = UINT_MAX;
    put_many(600);
    ck_assert_uint_eq(reap(), 0);
    use_each_second(600, 60);
    ck_assert_uint_eq(pool_idle_count(p), 600);
    use_each_second(300, 120); /* the surplus goes */
    ck_assert_uint_ge(pool_idle_count(p), 300);
    ck_assert_uint_le(pool_idle_count(p), 300 + 64);
    ck_assert_uint_gt(reap(), 200);
}
END_TEST

START_TEST(closes_the_surplus_slowly_and_the_oldest_first)
{
    conf[0].pool_max = UINT_MAX;
    struct uplink *oldest = make(&plans[0]);
    pool_put(p, oldest, 1);
    put_many(499);
    trim_for(9); /* one window, and what came before it */
    ck_assert_uint_eq(reap(), 0);
    size_t before = pool_idle_count(p);
    trim_for(3);
    ck_assert_uint_lt(pool_idle_count(p), before);
    ck_assert_uint_ge(pool_idle_count(p), before - before / 4);
    bool gone = false;
    for (struct uplink *u; (u = pool_next_retired(p)) != NULL; uplink_free(u))
        gone = gone || u == oldest;
    ck_assert(gone);
    trim_for(120);
    ck_assert_uint_eq(pool_idle_count(p), 64);
}
END_TEST

START_TEST(few_idle_ones_stay_until_their_time_is_over)
{
    conf[0].pool_max = UINT_MAX;
    put_many(64);
    trim_for(1000);
    ck_assert_uint_eq(pool_idle_count(p), 64);
}
END_TEST

enum { SECOND = 1000 * 1000 };

/* A pool that keeps two connections to the first target ready. */
static void keep_two_ready(void)
{
    conf[0].pool_spare = 2;
    conf[0].pool_max = UINT_MAX;
    conf[0].pool_idle_ms = 40000;
    pool_free(p);
    p = pool_new(plans, 2);
}

static void make_two(uint64_t now_us)
{
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_eq(pool_wants_spare(p, now_us), &plans[0]);
        pool_spare_made(p, make(&plans[0]), now_us);
    }
}

START_TEST(wants_as_many_ready_as_are_configured)
{
    ck_assert(!pool_keeps_spares(p));
    ck_assert_ptr_null(pool_wants_spare(p, 1));
    keep_two_ready();
    ck_assert(pool_keeps_spares(p));
    ck_assert_ptr_eq(pool_wants_spare(p, 1), &plans[0]);
    ck_assert_ptr_eq(pool_wants_spare(p, 1), &plans[0]);
    ck_assert_ptr_null(pool_wants_spare(p, 1)); /* both are under way */
    pool_spare_made(p, make(&plans[0]), 1);
    pool_spare_made(p, make(&plans[0]), 1);
    ck_assert_ptr_null(pool_wants_spare(p, 1));
    struct uplink *taken = pool_take(p, &plans[0], true, 2);
    ck_assert_ptr_nonnull(taken);
    ck_assert_ptr_eq(pool_wants_spare(p, 2), &plans[0]); /* at once, not with the next tick */
    ck_assert_ptr_null(pool_wants_spare(p, 2));
    uplink_free(taken);
}
END_TEST

START_TEST(a_tcp_client_never_gets_one_that_carried_something)
{
    keep_two_ready();
    struct uplink *used = make(&plans[0]);
    used->carried = 1;
    make_two(1);
    pool_put(p, used, 1); /* the one used last */
    for (int i = 0; i < 2; i++) {
        struct uplink *u = pool_take(p, &plans[0], true, 2);
        ck_assert_uint_eq(u->carried, 0);
        uplink_free(u);
    }
    ck_assert_ptr_null(pool_take(p, &plans[0], true, 2));
    ck_assert_ptr_eq(pool_take(p, &plans[0], false, 2), used);
    uplink_free(used);
}
END_TEST

START_TEST(is_renewed_before_its_time_is_over)
{
    keep_two_ready();
    make_two(0);
    pool_trim(p);
    ck_assert_ptr_null(pool_wants_spare(p, 29 * SECOND));
    pool_trim(p);
    make_two(31 * SECOND);
    ck_assert_uint_eq(pool_idle_count(p), 4);
    ck_assert_uint_eq(pool_expire(p, 41 * SECOND), 2);
    ck_assert_uint_eq(pool_idle_count(p), 2);
    pool_trim(p);
    ck_assert_ptr_null(pool_wants_spare(p, 41 * SECOND));
}
END_TEST

START_TEST(a_target_that_fails_is_tried_later_and_later)
{
    static const unsigned waits_s[] = {1, 2, 4, 8, 16, 32, 64, 64};
    uint64_t now_us = 1;
    keep_two_ready();
    for (size_t i = 0; i < sizeof(waits_s) / sizeof(waits_s[0]); i++) {
        ck_assert_ptr_eq(pool_wants_spare(p, now_us), &plans[0]);
        pool_spare_failed(p, &plans[0], now_us);
        now_us += (uint64_t)waits_s[i] * SECOND;
        pool_trim(p);
        ck_assert_ptr_null(pool_wants_spare(p, now_us - 1));
        pool_trim(p);
    }
}
END_TEST

START_TEST(a_server_that_hangs_up_at_once_is_left_alone_for_a_while)
{
    keep_two_ready();
    make_two(0);
    struct uplink *u = pool_take(p, &plans[0], true, 0);
    pool_put(p, u, 0);
    ck_assert(pool_lost(p, u, SECOND));
    pool_trim(p);
    ck_assert_ptr_null(pool_wants_spare(p, SECOND));
    pool_trim(p);
    ck_assert_ptr_eq(pool_wants_spare(p, 2 * SECOND), &plans[0]);
    pool_spare_made(p, u = make(&plans[0]), 2 * SECOND);
    ck_assert(!pool_lost(p, u, 30 * SECOND)); /* that server ends idle ones, as many do */
    pool_trim(p);
    ck_assert_ptr_eq(pool_wants_spare(p, 30 * SECOND), &plans[0]);
}
END_TEST

START_TEST(many_upstreams_are_no_storm)
{
    static struct plan_target many[40];
    keep_two_ready();
    for (size_t i = 0; i < 40; i++)
        many[i] = (struct plan_target){.upstream = &upstreams[0], .index = i};
    struct pool *big = pool_new(many, 40);
    const struct plan_target *under_way[80];
    size_t n = 0;
    while (n < 80 && (under_way[n] = pool_wants_spare(big, 1)) != NULL)
        n++;
    ck_assert_uint_eq(n, 16);
    pool_spare_failed(big, under_way[0], 1);
    ck_assert_ptr_nonnull(pool_wants_spare(big, 1));
    pool_free(big);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("pool");
    TCase *t = tcase_create("pool");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, gives_the_one_used_last_and_only_of_that_upstream);
    tcase_add_test(t, retires_what_is_more_than_the_maximum);
    tcase_add_test(t, keeps_what_the_requests_of_the_last_seconds_used);
    tcase_add_test(t, closes_the_surplus_slowly_and_the_oldest_first);
    tcase_add_test(t, few_idle_ones_stay_until_their_time_is_over);
    tcase_add_test(t, wants_as_many_ready_as_are_configured);
    tcase_add_test(t, a_tcp_client_never_gets_one_that_carried_something);
    tcase_add_test(t, is_renewed_before_its_time_is_over);
    tcase_add_test(t, a_target_that_fails_is_tried_later_and_later);
    tcase_add_test(t, a_server_that_hangs_up_at_once_is_left_alone_for_a_while);
    tcase_add_test(t, many_upstreams_are_no_storm);
    tcase_add_test(t, never_gives_a_connection_of_another_snapshot);
    tcase_add_test(t, retires_from_anywhere_on_the_shelf);
    tcase_add_test(t, retires_one_in_use_without_touching_the_shelf);
    tcase_add_test(t, expires_what_was_idle_for_too_long);
    tcase_add_test(t, does_not_give_one_whose_time_is_over);
    tcase_add_test(t, keeps_none_that_may_not_idle_and_none_for_longer_than_configured);
    tcase_add_test(t, retires_all_of_every_upstream);
    suite_add_tcase(s, t);
    return s;
}
