/* SPDX-License-Identifier: Apache-2.0 */
/* Row C13 of the security list. */
#include "capacity.h"
#include "mtlsd/config/config.h"
#include "t.h"

enum { S = 1000 * 1000 };

static struct capacity c;

static void set_up(void)
{
    c = (struct capacity){.most_clients = 2, .most = 4, .watches = 1000};
}

START_TEST(gives_as_many_places_as_there_are)
{
    ck_assert(capacity_has_room(&c));
    ck_assert(capacity_take_client(&c));
    ck_assert(capacity_take_client(&c));
    ck_assert(!capacity_take_client(&c));
    ck_assert(!capacity_has_room(&c));
    ck_assert_uint_eq(c.clients, 2);
    capacity_leave_client(&c);
    ck_assert(capacity_take_client(&c));
}
END_TEST

START_TEST(clients_and_upstream_connections_share_the_descriptors)
{
    ck_assert(capacity_take_client(&c));
    for (int i = 0; i < 3; i++)
        ck_assert(capacity_take_uplink(&c));
    ck_assert(!capacity_take_uplink(&c));
    ck_assert(!capacity_take_client(&c));
    capacity_leave_uplink(&c);
    ck_assert(!capacity_has_room(&c)); /* a client without what it asks for would be no use */
    ck_assert(capacity_take_client(&c));
}
END_TEST

START_TEST(quarter_of_the_descriptors_is_for_what_clients_ask_for)
{
    c.most = 8;
    for (int i = 0; i < 6; i++) {
        ck_assert(capacity_has_plenty(&c));
        ck_assert(capacity_take_uplink(&c));
    }
    ck_assert(!capacity_has_plenty(&c));
    ck_assert(capacity_has_room(&c));
}
END_TEST

/* D5 */
START_TEST(watches_are_scarce_from_an_eighth_of_them_on)
{
    c.watches = 16;
    ck_assert(capacity_take_client(&c));
    ck_assert(!capacity_watches_are_scarce(&c));
    ck_assert(capacity_take_uplink(&c));
    ck_assert(capacity_watches_are_scarce(&c));
    c.watches = 0; /* nobody knows */
    ck_assert(capacity_watches_are_scarce(&c));
}
END_TEST

START_TEST(shares_out_what_the_limits_allow)
{
    struct config_listener listener = {.n_bind = 2};
    struct config config = {.listeners = &listener, .n_listeners = 1, .max_connections = 5};
    c.workers = 1;
    c.fd_limit = 1000;
    capacity_share(&c, &config);
    ck_assert_uint_eq(c.most_clients, 5);
    ck_assert_uint_gt(c.most, 900);
    ck_assert_uint_gt(c.watches, 0);
    config.max_connections = 0;
    capacity_share(&c, &config);
    ck_assert_uint_gt(c.most_clients, 600);
}
END_TEST

START_TEST(is_full_for_some_seconds_after_a_refusal)
{
    ck_assert(!capacity_is_full(&c, 1));
    capacity_refused(&c, 100 * S);
    ck_assert(capacity_is_full(&c, 100 * S));
    ck_assert(capacity_is_full(&c, 104 * S));
    ck_assert(!capacity_is_full(&c, 106 * S));
}
END_TEST

START_TEST(refusals_are_told_once_a_second_and_none_twice)
{
    capacity_refused(&c, 100 * S);
    ck_assert_uint_eq(capacity_take_untold(&c, 100 * S), 1);
    for (int i = 0; i < 7; i++)
        capacity_refused(&c, 100 * S + 1);
    ck_assert_uint_eq(capacity_take_untold(&c, 100 * S + S / 2), 0);
    ck_assert_uint_eq(capacity_take_untold(&c, 101 * S), 7);
    ck_assert_uint_eq(capacity_take_untold(&c, 103 * S), 0);
    ck_assert_uint_eq(c.refused, 8);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("capacity");
    TCase *t = tcase_create("capacity");
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_test(t, gives_as_many_places_as_there_are);
    tcase_add_test(t, clients_and_upstream_connections_share_the_descriptors);
    tcase_add_test(t, quarter_of_the_descriptors_is_for_what_clients_ask_for);
    tcase_add_test(t, watches_are_scarce_from_an_eighth_of_them_on);
    tcase_add_test(t, shares_out_what_the_limits_allow);
    tcase_add_test(t, is_full_for_some_seconds_after_a_refusal);
    tcase_add_test(t, refusals_are_told_once_a_second_and_none_twice);
    suite_add_tcase(s, t);
    return s;
}
