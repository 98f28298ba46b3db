/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/control/counters.h"

START_TEST(keeps_one_row_per_name)
{
    struct counters c;
    ck_assert_int_eq(counters_init(&c, 2), 0);
    struct counters_row *a = counters_listener(&c, "a");
    ck_assert_ptr_ne(a, counters_listener(&c, "b"));
    ck_assert_ptr_eq(a, counters_listener(&c, "a"));
    ck_assert_ptr_ne(a, counters_upstream(&c, "a"));
    ck_assert_str_eq(a->name, "a");
    counters_clear(&c);
}
END_TEST

START_TEST(shares_one_row_past_the_maximum_and_never_writes_outside)
{
    struct counters c;
    ck_assert_int_eq(counters_init(&c, 1), 0);
    counters_listener(&c, "a");
    struct counters_row *other = counters_listener(&c, "b");
    ck_assert_str_eq(other->name, "other");
    ck_assert_ptr_eq(other, counters_listener(&c, "c"));
    counters_upstream(&c, "w");
    ck_assert_ptr_eq(counters_upstream(&c, "x"), counters_upstream(&c, "y"));
    ck_assert_ptr_null(counters_find_upstream(&c, "x"));
    counters_clear(&c);
}
END_TEST

/* What stands in the row that many share is nobody's, also where a name is "other". */
START_TEST(sums_the_shared_row_without_mixing_it_up)
{
    struct counters one, sum;
    ck_assert_int_eq(counters_init(&one, 1) | counters_init(&sum, 4), 0);
    counters_add(&counters_listener(&one, "other")->requests, 3);
    counters_add(&counters_listener(&one, "crowd")->requests, 5);
    counters_sum(&sum, &one);
    ck_assert_uint_eq(counters_find_listener(&sum, "other")->requests, 3);
    ck_assert_ptr_null(counters_find_listener(&sum, "crowd"));
    counters_clear(&one);
    counters_clear(&sum);
}
END_TEST

START_TEST(keeps_targets_by_upstream_and_routes_by_number)
{
    struct counters one, sum;
    ck_assert_int_eq(counters_init(&one, 40) | counters_init(&sum, 40), 0);
    counters_add(&counters_target(&one, "app", "a:1")->active, 1);
    counters_add(&counters_target(&one, "app", "a:1")->failures, 2);
    counters_add(&counters_target(&one, "help", "a:1")->retries, 3);
    counters_add(&counters_route(&one, "public", 1)->hits, 4);
    counters_add(&counters_route(&one, "public", 10)->refused, 5);
    counters_sum(&sum, &one);
    counters_sum(&sum, &one);
    ck_assert_uint_eq(counters_find_target(&sum, "app", "a:1")->active, 2);
    ck_assert_uint_eq(counters_find_target(&sum, "app", "a:1")->failures, 4);
    ck_assert_uint_eq(counters_find_target(&sum, "help", "a:1")->retries, 6);
    ck_assert_ptr_null(counters_find_target(&sum, "app", "a:2"));
    ck_assert_uint_eq(counters_find_route(&sum, "public", 1)->hits, 8);
    ck_assert_uint_eq(counters_find_route(&sum, "public", 10)->refused, 10);
    ck_assert_ptr_null(counters_find_route(&sum, "public", 2));
    counters_clear(&one);
    counters_clear(&sum);
}
END_TEST

START_TEST(sums_workers_by_name_whatever_their_order)
{
    struct counters one, two, sum;
    ck_assert_int_eq(counters_init(&one, 4) | counters_init(&two, 4) | counters_init(&sum, 4), 0);
    counters_add(&counters_listener(&one, "a")->requests, 3);
    counters_add(&counters_listener(&one, "b")->refused[REASON_EXPIRED], 1);
    counters_add(&counters_listener(&two, "b")->refused[REASON_EXPIRED], 2);
    counters_add(&counters_listener(&two, "a")->requests, 4);
    counters_add(&counters_listener(&two, "a")->answers[2], 4);
    counters_add(&counters_listener(&two, "a")->would_refuse, 6);
    counters_listener(&one, "a")->judged[REASON_NONE] = (struct counters_judged){2, 3, 1800000000};
    counters_listener(&two, "a")->judged[REASON_NONE] = (struct counters_judged){20, 30, 1700000000};
    counters_last_put(counters_listener(&one, "a")->last, "CN=one", 7);
    counters_last_put(counters_listener(&two, "a")->last, "CN=two", 9);
    counters_listener(&two, "a")->judged[REASON_EXPIRED] = (struct counters_judged){1, 0, 5};
    counters_add(&counters_upstream(&two, "u")->upstream_resumed, 5);
    counters_sum(&sum, &one);
    counters_sum(&sum, &two);
    ck_assert_uint_eq(counters_listener(&sum, "a")->requests, 7);
    ck_assert_uint_eq(counters_listener(&sum, "a")->answers[2], 4);
    ck_assert_uint_eq(counters_listener(&sum, "a")->would_refuse, 6);
    char who[COUNTERS_WHO_SIZE];
    uint64_t when;
    ck_assert(counters_last_get(&counters_listener(&sum, "a")->last[0], who, &when) && when == 7);
    ck_assert_str_eq(who, "CN=one");
    ck_assert(counters_last_get(&counters_listener(&sum, "a")->last[1], who, &when) && when == 9);
    const struct counters_judged *none = &counters_listener(&sum, "a")->judged[REASON_NONE];
    ck_assert(none->connections == 22 && none->requests == 33 && none->last == 1800000000);
    ck_assert_uint_eq(counters_listener(&sum, "a")->judged[REASON_EXPIRED].connections, 1);
    ck_assert_uint_eq(counters_listener(&sum, "b")->refused[REASON_EXPIRED], 3);
    ck_assert_uint_eq(counters_upstream(&sum, "u")->upstream_resumed, 5);
    counters_clear(&one);
    counters_clear(&two);
    counters_clear(&sum);
}
END_TEST

START_TEST(sums_open_connections_that_end_where_they_did_not_begin)
{
    struct counters one, sum;
    ck_assert_int_eq(counters_init(&one, 1) | counters_init(&sum, 1), 0);
    struct counters_row *row = counters_listener(&one, "a");
    counters_add(&row->connections_open, 2);
    counters_sub(&row->connections_open, 1);
    counters_sum(&sum, &one);
    ck_assert_uint_eq(counters_listener(&sum, "a")->connections_open, 1);
    counters_clear(&one);
    counters_clear(&sum);
}
END_TEST

START_TEST(finds_the_row_of_a_name_that_had_to_be_cut)
{
    struct counters c;
    ck_assert_int_eq(counters_init(&c, 4), 0);
    const char *name = "a-listener-with-a-name-that-is-longer-than-any-name-should-ever-be-in-a-file";
    ck_assert_ptr_eq(counters_listener(&c, name), counters_listener(&c, name));
    ck_assert_ptr_eq(counters_find_listener(&c, name), counters_listener(&c, name));
    counters_clear(&c);
}
END_TEST

START_TEST(sorts_durations_by_their_bounds)
{
    struct counters_times t = {.sum_us = 0};
    counters_times_add(&t, 0);
    counters_times_add(&t, counters_bound_us[0]);
    counters_times_add(&t, counters_bound_us[0] + 1);
    counters_times_add(&t, counters_bound_us[COUNTERS_BOUNDS - 1]);
    counters_times_add(&t, counters_bound_us[COUNTERS_BOUNDS - 1] + 1);
    ck_assert(t.below[0] == 2 && t.below[1] == 1 && t.below[COUNTERS_BOUNDS - 1] == 1 && t.below[COUNTERS_BOUNDS] == 1);
    ck_assert_uint_eq(t.sum_us, 2 * counters_bound_us[0] + 1 + 2 * counters_bound_us[COUNTERS_BOUNDS - 1] + 1);
}
END_TEST

/* What is shown must not stay at a certificate that its owner has renewed, nor at one that has ended. */
START_TEST(keeps_the_certificate_that_ends_first_for_a_while)
{
    struct counters_soonest s = {.not_after = 0};
    counters_soonest_see(&s, 5000, 1000, 100);
    ck_assert_uint_eq(s.not_after, 5000);
    counters_soonest_see(&s, 9000, 1050, 100);
    ck_assert_uint_eq(s.not_after, 5000);
    counters_soonest_see(&s, 3000, 1060, 100);
    ck_assert_uint_eq(s.not_after, 3000);
    counters_soonest_see(&s, 9000, 1159, 100);
    ck_assert_uint_eq(s.not_after, 3000);
    counters_soonest_see(&s, 9000, 1160, 100);
    ck_assert_uint_eq(s.not_after, 9000);
    counters_soonest_see(&s, 1300, 1161, 1000);
    counters_soonest_see(&s, 9500, 1300, 1000);
    ck_assert_uint_eq(s.not_after, 9500);
}
END_TEST

START_TEST(sums_what_metrics_show)
{
    struct counters one, two, sum;
    ck_assert_int_eq(counters_init(&one, 4) | counters_init(&two, 4) | counters_init(&sum, 4), 0);
    counters_times_add(&counters_requests(&one, "a", "u")->took, 100);
    counters_times_add(&counters_requests(&two, "a", "u")->took, 200);
    counters_requests(&two, "a", "")->answers[4] = 3;
    counters_failures(&one, "listener", "a", "expired")->n = 1;
    counters_failures(&two, "listener", "a", "expired")->n = 1;
    counters_times_add(&counters_listener(&one, "a")->handshakes, 7);
    counters_times_add(&counters_listener(&two, "a")->handshakes, 8);
    counters_soonest_see(&counters_listener(&one, "a")->peer, 5000, 1000, 100);
    counters_soonest_see(&counters_listener(&two, "a")->peer, 4000, 1000, 100);
    ck_assert(!counters_has_failures(&sum));
    counters_sum(&sum, &one);
    counters_sum(&sum, &two);
    ck_assert_uint_eq(counters_find_requests(&sum, "a", "u")->took.sum_us, 300);
    ck_assert_uint_eq(counters_find_requests(&sum, "a", "")->answers[4], 3);
    ck_assert_ptr_null(counters_find_requests(&sum, "a", "v"));
    ck_assert_uint_eq(counters_find_failures(&sum, "listener", "a", "expired")->n, 2);
    ck_assert_ptr_null(counters_find_failures(&sum, "upstream", "a", "expired"));
    ck_assert(counters_has_failures(&sum));
    ck_assert_uint_eq(counters_listener(&sum, "a")->handshakes.sum_us, 15);
    ck_assert_uint_eq(counters_listener(&sum, "a")->peer.not_after, 4000);
    counters_clear(&one);
    counters_clear(&two);
    counters_clear(&sum);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("counters");
    TCase *t = tcase_create("counters");
    tcase_add_test(t, keeps_one_row_per_name);
    tcase_add_test(t, shares_one_row_past_the_maximum_and_never_writes_outside);
    tcase_add_test(t, sums_the_shared_row_without_mixing_it_up);
    tcase_add_test(t, keeps_targets_by_upstream_and_routes_by_number);
    tcase_add_test(t, sums_workers_by_name_whatever_their_order);
    tcase_add_test(t, sums_open_connections_that_end_where_they_did_not_begin);
    tcase_add_test(t, finds_the_row_of_a_name_that_had_to_be_cut);
    tcase_add_test(t, sorts_durations_by_their_bounds);
    tcase_add_test(t, keeps_the_certificate_that_ends_first_for_a_while);
    tcase_add_test(t, sums_what_metrics_show);
    suite_add_tcase(s, t);
    return s;
}
