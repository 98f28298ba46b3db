/* SPDX-License-Identifier: Apache-2.0 */
/* When a connection has to end. */
#include "mtlsd/proxy/lifetime.h"
#include "t.h"

enum { SECOND_US = 1000 * 1000 };

START_TEST(an_age_is_a_tenth_shorter_at_most)
{
    const struct lifetime_rule rule = {.age_ms = 100000, .grace_ms = UINT64_MAX};
    uint64_t least = UINT64_MAX, most = 0;
    for (uint64_t begun = 0; begun < 100; begun++) {
        struct lifetime l = lifetime_by_age(&rule, begun * 7919);
        uint64_t age = l.soft_us - begun * 7919;
        ck_assert_uint_eq(l.hard_us, UINT64_MAX);
        least = age < least ? age : least;
        most = age > most ? age : most;
    }
    ck_assert_uint_le(most, 100 * (uint64_t)SECOND_US);
    ck_assert_uint_gt(most, 98 * (uint64_t)SECOND_US);
    ck_assert_uint_ge(least, lifetime_least_us(100000));
    ck_assert_uint_lt(least, 92 * (uint64_t)SECOND_US);
}
END_TEST

START_TEST(what_runs_is_cut_after_the_grace_and_in_tcp_without_one)
{
    struct lifetime none = lifetime_by_age(&(struct lifetime_rule){.grace_ms = 5}, 0);
    ck_assert(none.soft_us == UINT64_MAX && none.hard_us == UINT64_MAX);
    struct lifetime graced = lifetime_by_age(&(struct lifetime_rule){.age_ms = 1000, .grace_ms = 5000}, 0);
    ck_assert_uint_eq(graced.hard_us, graced.soft_us + 5 * SECOND_US);
    struct lifetime tcp = lifetime_by_age(&(struct lifetime_rule){.age_ms = 1000, .grace_ms = UINT64_MAX, .tcp = true}, 0);
    ck_assert_uint_eq(tcp.hard_us, tcp.soft_us);
    ck_assert_int_eq(tcp.reason, REASON_CONNECTION_AGE);
}
END_TEST

START_TEST(a_replaced_certificate_is_not_used_in_its_last_half_minute) /* B4 */
{
    const struct moment now = {.us = 77, .utc = 1000};
    struct lifetime l = lifetime_by_certificate(1200, now);
    ck_assert_uint_eq(l.soft_us, 77 + 80 * (uint64_t)SECOND_US);
    ck_assert_uint_eq(l.hard_us, 77 + 170 * (uint64_t)SECOND_US);
    ck_assert_int_eq(l.reason, REASON_CERTIFICATE_REPLACED);
    ck_assert_uint_eq(lifetime_by_certificate(900, now).hard_us, 77);
    ck_assert_uint_eq(lifetime_by_certificate(INT64_MAX, now).hard_us, UINT64_MAX);
}
END_TEST

START_TEST(whichever_ends_first_counts)
{
    const struct lifetime a = {1, 9, REASON_CONNECTION_AGE}, b = {2, 3, REASON_CERTIFICATE_REPLACED}, none = lifetime_unbounded();
    struct lifetime l = lifetime_shorter(&a, &b);
    ck_assert(l.soft_us == 1 && l.hard_us == 3 && l.reason == REASON_CERTIFICATE_REPLACED);
    l = lifetime_shorter(&none, &a);
    ck_assert(l.soft_us == 1 && l.hard_us == 9 && l.reason == REASON_CONNECTION_AGE);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("lifetime");
    TCase *t = tcase_create("lifetime");
    tcase_add_test(t, an_age_is_a_tenth_shorter_at_most);
    tcase_add_test(t, what_runs_is_cut_after_the_grace_and_in_tcp_without_one);
    tcase_add_test(t, a_replaced_certificate_is_not_used_in_its_last_half_minute);
    tcase_add_test(t, whichever_ends_first_counts);
    suite_add_tcase(s, t);
    return s;
}
