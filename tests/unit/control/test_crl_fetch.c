/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/crl_fetch.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

#define NOW INT64_C(1000000)
#define URL "http://crl.example/a"

static struct crl_fetch f;

static void set_up(void)
{
    f = (struct crl_fetch){0};
    ck_assert_int_eq(crl_fetch_follow(&f, &(struct crl_fetch_wish){.url = URL}, 1, NOW), 0);
}

static void tear_down(void)
{
    crl_fetch_clear(&f);
}

static void start(int64_t now)
{
    const struct crl_fetch_item *item = crl_fetch_start(&f, now);
    ck_assert_ptr_nonnull(item);
    ck_assert_str_eq(item->url, URL);
}

static enum crl_fetch_step answer(unsigned status, size_t len, int64_t now)
{
    struct crl_fetch_answer a = {.status = status, .tag = "\"t\"", .error = "timed out", .body = {.len = len}};
    return crl_fetch_answered(&f, URL, &a, now, 0);
}

static void take(int64_t ends, int64_t now, uint64_t random)
{
    struct crl_fetch_answer a = {.status = 200, .tag = "\"t\""};
    crl_fetch_judged(&f, URL, &a, &(struct crl_fetch_judgement){.ends = ends}, now, random);
}

START_TEST(a_new_address_is_due_at_once_and_started_only_once)
{
    ck_assert_int_eq(crl_fetch_next(&f), NOW);
    ck_assert_ptr_null(crl_fetch_start(&f, NOW - 1));
    start(NOW);
    ck_assert_ptr_null(crl_fetch_start(&f, NOW + 1000000)); /* F3: one at a time */
    ck_assert_int_eq(crl_fetch_next(&f), 0);
}
END_TEST

START_TEST(a_good_list_is_asked_for_again_on_the_way_to_its_end)
{
    static const struct {
        const char *why;
        int64_t life;
        uint64_t random;
        int64_t wait;
    } rows[] = {
        {"half of the way", 10000, 0, 5000},
        {"nine tenths of it", 10000, 40, 9000},
        {"then from the beginning", 10000, 41, 5000},
        {"before its end, however short its life", 20, 40, 18},
        {"not all the time", 4, 0, 5},
        {"of a long life only the next hours count", 7 * 86400, 0, 3 * 3600},
        {"and they are spread too", 7 * 86400, 40, 19440},
        {"a life that would overflow", INT64_MAX / 2, 40, 19440},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        crl_fetch_clear(&f);
        set_up();
        start(NOW);
        ck_assert_int_eq(answer(200, 10, NOW), CRL_FETCH_JUDGE);
        take(NOW + rows[i].life, NOW, rows[i].random);
        ck_assert_msg(crl_fetch_next(&f) == NOW + rows[i].wait, "%s: %lld", rows[i].why, (long long)(crl_fetch_next(&f) - NOW));
        ck_assert_int_eq(f.items[0].succeeded, NOW);
        ck_assert_str_eq(f.items[0].error, "");
    }
}
END_TEST

START_TEST(tries_that_fail_come_at_longer_and_longer_times)
{
    static const int64_t waits[] = {15, 30, 60, 120, 240, 480, 600, 600, 600};
    int64_t now = NOW;
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        start(now);
        ck_assert_int_eq(answer(0, 0, now), CRL_FETCH_OVER);
        ck_assert_int_eq(crl_fetch_next(&f) - now, waits[i]);
        now += waits[i];
    }
    start(now);
    take(now + 10000, now, 0);
    start(now + 5000);
    answer(500, 0, now + 5000);
    ck_assert_int_eq(crl_fetch_next(&f), now + 5015); /* a success forgets */
}
END_TEST

START_TEST(no_two_instances_try_again_together)
{
    int64_t now = NOW;
    for (unsigned i = 0; i < 10; i++) { /* at the longest wait too */
        crl_fetch_clear(&f);
        set_up();
        f.items[0].failures = i;
        for (uint64_t random = 0; random < 2; random++) {
            f.items[0].due = now;
            start(now);
            f.items[0].failures = i;
            crl_fetch_answered(&f, URL, &(struct crl_fetch_answer){.error = "refused"}, now, random);
            ck_assert_int_eq(f.items[0].due, now + (i < 6 ? 15 << i : 600) - (int64_t)random);
        }
        f.items[0].failures = i;
        crl_fetch_answered(&f, URL, &(struct crl_fetch_answer){.error = "refused"}, now, UINT64_MAX);
        ck_assert_int_gt(f.items[0].due, now + 10);
    }
}
END_TEST

START_TEST(what_is_not_a_list_is_told_in_words)
{
    static const struct {
        const char *why;
        unsigned status;
        size_t len;
        bool too_large;
        const char *error;
    } rows[] = {
        {"no answer", 0, 0, false, "timed out"},
        {"gone", 404, 5, false, "the server answers 404"},
        {"redirect, as in F3", 302, 0, false, "redirects are not followed"},
        {"nothing in it", 200, 0, false, "is empty"},
        {"too large", 0, 10, true, "larger than 64 MiB"},
        {"too large with a status", 200, 10, true, "larger than 64 MiB"},
        {"unchanged, but nothing was known", 304, 0, false, "the server answers 304"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        crl_fetch_clear(&f);
        set_up();
        start(NOW);
        struct crl_fetch_answer a = {.status = rows[i].status, .error = "timed out", .too_large = rows[i].too_large, .body = {.len = rows[i].len}};
        ck_assert_int_eq(crl_fetch_answered(&f, URL, &a, NOW, 0), CRL_FETCH_OVER);
        ck_assert_msg(strstr(f.items[0].error, rows[i].error) != NULL, "%s: %s", rows[i].why, f.items[0].error);
        ck_assert_int_eq(f.items[0].succeeded, 0);
    }
}
END_TEST

START_TEST(unchanged_counts_as_a_success_while_the_list_lasts)
{
    start(NOW);
    take(NOW + 10000, NOW, 0);
    ck_assert_str_eq(f.items[0].tag, "\"t\"");
    start(NOW + 5000);
    ck_assert_int_eq(answer(304, 0, NOW + 5000), CRL_FETCH_OVER);
    ck_assert_int_eq(crl_fetch_next(&f), NOW + 7500);
    ck_assert_int_eq(f.items[0].succeeded, NOW + 5000);
    start(NOW + 10001);
    answer(304, 0, NOW + 10001);
    ck_assert_int_eq(crl_fetch_next(&f), NOW + 10016);
    ck_assert_ptr_nonnull(strstr(f.items[0].error, "has ended"));
}
END_TEST

START_TEST(a_list_that_was_refused_leaves_no_tag)
{
    struct crl_fetch_answer a = {.status = 200, .tag = "\"bad\"", .body = {.len = 3}};
    start(NOW);
    ck_assert_int_eq(crl_fetch_answered(&f, URL, &a, NOW, 0), CRL_FETCH_JUDGE);
    crl_fetch_judged(&f, URL, &a, &(struct crl_fetch_judgement){.error = "not signed by that CA"}, NOW, 0);
    ck_assert_str_eq(f.items[0].tag, ""); /* else 304 would praise it later */
    ck_assert_str_eq(f.items[0].error, "not signed by that CA");
    ck_assert_int_eq(crl_fetch_next(&f), NOW + 15);
}
END_TEST

START_TEST(a_reload_keeps_what_is_known_and_asks_anew)
{
    struct crl_fetch_wish wishes[] = {{.url = URL, .held = true}, {.url = "http://crl.example/b"}, {.url = URL, .from_config = true, .held = true}};
    start(NOW);
    take(NOW + 10000, NOW, 0);
    ck_assert_int_eq(crl_fetch_follow(&f, wishes, 3, NOW + 10), 0);
    ck_assert_uint_eq(f.n, 2);
    ck_assert_str_eq(f.items[0].tag, "\"t\"");
    ck_assert(f.items[0].from_config);
    start(NOW + 10);
    ck_assert_int_eq(crl_fetch_follow(&f, wishes, 1, NOW + 11), 0);
    ck_assert_ptr_null(crl_fetch_start(&f, NOW + 11)); /* it is under way */
    wishes[0].held = false;
    ck_assert_int_eq(crl_fetch_follow(&f, wishes, 1, NOW + 11), 0);
    ck_assert_str_eq(f.items[0].tag, ""); /* who has no list is not helped by 304 */
    ck_assert_int_eq(crl_fetch_follow(&f, NULL, 0, NOW + 12), 0);
    ck_assert_int_eq(answer(200, 10, NOW + 13), CRL_FETCH_OVER); /* nobody asks any more */
    take(NOW + 100, NOW + 13, 0);
}
END_TEST

START_TEST(a_clock_that_goes_back_puts_nothing_off)
{
    start(NOW);
    take(NOW + 10000, NOW, 0);
    ck_assert_ptr_null(crl_fetch_start(&f, NOW));
    start(NOW - 1);
    answer(500, 0, NOW - 1);
    ck_assert_ptr_null(crl_fetch_start(&f, NOW - 1));
    start(NOW - 86400);
}
END_TEST

/* The list came for a snapshot that is gone: the new one must not wait for it until the next regular time. */
START_TEST(a_reload_in_the_same_second_asks_a_second_later)
{
    struct crl_fetch_wish wish = {.url = URL};
    start(NOW);
    take(NOW + 10000, NOW, 0);
    ck_assert_int_eq(crl_fetch_follow(&f, &wish, 1, NOW), 0);
    ck_assert_int_eq(crl_fetch_next(&f), NOW + 1);
    ck_assert_int_eq(crl_fetch_follow(&f, &wish, 1, NOW - 100000), 0); /* the clock went back */
    ck_assert_int_eq(crl_fetch_next(&f), NOW - 100000);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("crl_fetch");
    TCase *t = tcase_create("crl_fetch");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_new_address_is_due_at_once_and_started_only_once);
    tcase_add_test(t, a_good_list_is_asked_for_again_on_the_way_to_its_end);
    tcase_add_test(t, tries_that_fail_come_at_longer_and_longer_times);
    tcase_add_test(t, no_two_instances_try_again_together);
    tcase_add_test(t, what_is_not_a_list_is_told_in_words);
    tcase_add_test(t, unchanged_counts_as_a_success_while_the_list_lasts);
    tcase_add_test(t, a_list_that_was_refused_leaves_no_tag);
    tcase_add_test(t, a_reload_keeps_what_is_known_and_asks_anew);
    tcase_add_test(t, a_clock_that_goes_back_puts_nothing_off);
    tcase_add_test(t, a_reload_in_the_same_second_asks_a_second_later);
    suite_add_tcase(s, t);
    return s;
}
