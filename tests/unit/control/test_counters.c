/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/control/counters.h"

START_TEST(keeps_one_row_per_name)
{
    struct counters c;
    ck_assert_int_eq(counters_init(&c, 2, 2), 0);
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
    ck_assert_int_eq(counters_init(&c, 1, 0), 0);
    counters_listener(&c, "a");
    struct counters_row *other = counters_listener(&c, "b");
    ck_assert_str_eq(other->name, "other");
    ck_assert_ptr_eq(other, counters_listener(&c, "c"));
    ck_assert_ptr_eq(counters_upstream(&c, "x"), counters_upstream(&c, "y"));
    counters_clear(&c);
}
END_TEST

START_TEST(sums_workers_by_name_whatever_their_order)
{
    struct counters one, two, sum;
    ck_assert_int_eq(counters_init(&one, 4, 4) | counters_init(&two, 4, 4) | counters_init(&sum, 4, 4), 0);
    counters_add(&counters_listener(&one, "a")->requests, 3);
    counters_add(&counters_listener(&one, "b")->refused[REASON_EXPIRED], 1);
    counters_add(&counters_listener(&two, "b")->refused[REASON_EXPIRED], 2);
    counters_add(&counters_listener(&two, "a")->requests, 4);
    counters_add(&counters_listener(&two, "a")->answers[2], 4);
    counters_add(&counters_upstream(&two, "u")->upstream_resumed, 5);
    counters_sum(&sum, &one);
    counters_sum(&sum, &two);
    ck_assert_uint_eq(counters_listener(&sum, "a")->requests, 7);
    ck_assert_uint_eq(counters_listener(&sum, "a")->answers[2], 4);
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
    ck_assert_int_eq(counters_init(&one, 1, 1) | counters_init(&sum, 1, 1), 0);
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
    ck_assert_int_eq(counters_init(&c, 4, 0), 0);
    const char *name = "a-listener-with-a-name-that-is-longer-than-any-name-should-ever-be-in-a-file";
    ck_assert_ptr_eq(counters_listener(&c, name), counters_listener(&c, name));
    ck_assert_uint_eq(c.n_listeners, 1);
    counters_clear(&c);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("counters");
    TCase *t = tcase_create("counters");
    tcase_add_test(t, keeps_one_row_per_name);
    tcase_add_test(t, shares_one_row_past_the_maximum_and_never_writes_outside);
    tcase_add_test(t, sums_workers_by_name_whatever_their_order);
    tcase_add_test(t, sums_open_connections_that_end_where_they_did_not_begin);
    tcase_add_test(t, finds_the_row_of_a_name_that_had_to_be_cut);
    suite_add_tcase(s, t);
    return s;
}
