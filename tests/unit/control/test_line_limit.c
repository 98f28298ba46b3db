/* SPDX-License-Identifier: Apache-2.0 */
#include "line_limit.h"
#include "t.h"

#include <stdio.h>

static struct line_limit *limit;

static void set_up(void)
{
    limit = line_limit_new();
    ck_assert_ptr_nonnull(limit);
}

static void tear_down(void)
{
    line_limit_free(limit);
}

static unsigned permitted(const char *client, unsigned tries, int64_t now)
{
    unsigned n = 0;
    for (unsigned i = 0; i < tries; i++)
        n += line_limit_permits(limit, "public", client, now);
    return n;
}

/* C8: eighty thousand refusals of one client in a second are twenty lines and a number. */
START_TEST(tells_a_flood_as_a_few_lines_and_a_number)
{
    struct line_limit_held held;
    ck_assert_uint_eq(permitted("192.0.2.7", 80000, 1000), LINE_LIMIT_OF_CLIENT);
    ck_assert(line_limit_holds(limit));
    ck_assert(!line_limit_take(limit, 1000, false, &held)); /* the second is not over */
    ck_assert(line_limit_take(limit, 1001, false, &held));
    ck_assert_str_eq(held.client, "192.0.2.7");
    ck_assert_str_eq(held.listener, "public");
    ck_assert_uint_eq(held.lines, 80000 - LINE_LIMIT_OF_CLIENT);
    ck_assert(!line_limit_take(limit, 1001, true, &held));
    ck_assert(!line_limit_holds(limit));
}
END_TEST

START_TEST(lets_few_through_and_begins_anew_each_second)
{
    for (int64_t now = 1000; now < 1010; now++)
        ck_assert_uint_eq(permitted("192.0.2.7", LINE_LIMIT_OF_CLIENT, now), LINE_LIMIT_OF_CLIENT);
    ck_assert(!line_limit_holds(limit));
}
END_TEST

START_TEST(one_client_does_not_silence_another)
{
    permitted("192.0.2.7", 1000, 1000);
    ck_assert_uint_eq(permitted("192.0.2.8", 5, 1000), 5);
    ck_assert(line_limit_permits(limit, "other", "192.0.2.7", 1000)); /* nor itself on another listener */
}
END_TEST

/* A flood that never pauses is told while it lasts. */
START_TEST(tells_of_a_flood_that_goes_on)
{
    struct line_limit_held held;
    uint64_t told = 0, sent = 0;
    for (int64_t now = 1000; now < 1010; now++) {
        sent += 500 - permitted("192.0.2.7", 500, now);
        while (line_limit_take(limit, now, false, &held))
            told += held.lines;
    }
    ck_assert_uint_ge(told, sent / 2);
    while (line_limit_take(limit, 1009, true, &held))
        told += held.lines;
    ck_assert_uint_eq(told, sent);
}
END_TEST

/* Many addresses, as IPv6 has them: neither more lines than the limit of all, nor more memory, and every refusal is a line or in a number. */
START_TEST(many_addresses_are_no_way_around_it)
{
    struct line_limit_held held;
    uint64_t lines = 0, told = 0;
    enum { SECONDS = 3, CLIENTS = 30000 };
    for (int64_t now = 1000; now < 1000 + SECONDS; now++) {
        unsigned this_second = 0;
        for (unsigned i = 0; i < CLIENTS; i++) {
            char client[48];
            snprintf(client, sizeof(client), "2001:db8::%x:%x", i >> 16, i & 0xffff);
            this_second += line_limit_permits(limit, "public", client, now);
        }
        ck_assert_uint_eq(this_second, LINE_LIMIT_OF_ALL);
        lines += this_second;
    }
    unsigned summaries = 0;
    for (; line_limit_take(limit, 1000 + SECONDS, false, &held); summaries++)
        told += held.lines;
    ck_assert_uint_eq(lines + told, SECONDS * CLIENTS);
    ck_assert_uint_le(summaries, LINE_LIMIT_SETS * LINE_LIMIT_WAYS + 1);
    ck_assert(!line_limit_holds(limit));
}
END_TEST

START_TEST(bears_a_clock_that_is_set_back)
{
    struct line_limit_held held;
    permitted("192.0.2.7", 30, 2000);
    ck_assert_uint_eq(permitted("192.0.2.7", 30, 1000), LINE_LIMIT_OF_CLIENT);
    ck_assert(line_limit_take(limit, 1000, false, &held));
    ck_assert_uint_eq(held.lines, 20);
}
END_TEST

START_TEST(cuts_names_that_are_too_long)
{
    char name[200];
    snprintf(name, sizeof(name), "%0150d", 7);
    struct line_limit_held held;
    for (int i = 0; i < 30; i++)
        line_limit_permits(limit, name, name, 1000);
    ck_assert(line_limit_take(limit, 1000, true, &held));
    ck_assert_uint_eq(held.lines, 10);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("line_limit");
    TCase *t = tcase_create("line_limit");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, tells_a_flood_as_a_few_lines_and_a_number);
    tcase_add_test(t, lets_few_through_and_begins_anew_each_second);
    tcase_add_test(t, one_client_does_not_silence_another);
    tcase_add_test(t, tells_of_a_flood_that_goes_on);
    tcase_add_test(t, many_addresses_are_no_way_around_it);
    tcase_add_test(t, bears_a_clock_that_is_set_back);
    tcase_add_test(t, cuts_names_that_are_too_long);
    suite_add_tcase(s, t);
    return s;
}
