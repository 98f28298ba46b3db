/* SPDX-License-Identifier: Apache-2.0 */
/* Row C13 of the security list. */
#include "mtlsd/proxy/idle_choice.h"
#include "t.h"

enum { S = 1000 * 1000, NOW = 100 * S };

static struct idle_choice choice;
static char clients[1000];

static void set_up(void)
{
    choice = (struct idle_choice){0};
}

static void add(size_t i, uint64_t since_us)
{
    idle_choice_add(&choice, &clients[i], since_us, false, NOW);
}

START_TEST(nobody_gives_way_when_nobody_is_idle)
{
    ck_assert_uint_eq(idle_choice_count(&choice), 0);
}
END_TEST

START_TEST(few_that_are_idle_give_way_one_by_one)
{
    add(0, 3);
    add(1, 1);
    add(2, 2);
    ck_assert_uint_eq(idle_choice_count(&choice), 1);
    ck_assert_ptr_eq(choice.oldest[0].who, &clients[1]);
}
END_TEST

START_TEST(oldest_give_way_in_whatever_order_they_are_found)
{
    static const size_t steps[] = {1, 999, 7, 331}; /* each runs through all */
    for (size_t i = 0; i < 1000; i++)
        add(i * steps[_i] % 1000, 1000 + i * steps[_i] % 1000);
    ck_assert_uint_eq(idle_choice_count(&choice), IDLE_CHOICE_MOST);
    for (size_t i = 0; i < IDLE_CHOICE_MOST; i++)
        ck_assert_ptr_eq(choice.oldest[i].who, &clients[i]);
}
END_TEST

START_TEST(part_of_them_gives_way_at_once)
{
    for (size_t i = 0; i < 80; i++)
        add(i, i);
    ck_assert_uint_eq(idle_choice_count(&choice), 10);
}
END_TEST

START_TEST(client_that_has_not_asked_yet_is_given_a_second)
{
    idle_choice_add(&choice, &clients[0], NOW - S, true, NOW);
    idle_choice_add(&choice, &clients[1], NOW + 5, true, NOW); /* clocks of two callers */
    ck_assert_uint_eq(idle_choice_count(&choice), 0);
    idle_choice_add(&choice, &clients[2], NOW - S - 1, true, NOW);
    ck_assert_uint_eq(idle_choice_count(&choice), 1);
    ck_assert_ptr_eq(choice.oldest[0].who, &clients[2]);
    add(3, NOW);
    ck_assert_ptr_eq(choice.oldest[0].who, &clients[2]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("idle_choice");
    TCase *t = tcase_create("idle_choice");
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_test(t, nobody_gives_way_when_nobody_is_idle);
    tcase_add_test(t, few_that_are_idle_give_way_one_by_one);
    tcase_add_loop_test(t, oldest_give_way_in_whatever_order_they_are_found, 0, 4);
    tcase_add_test(t, part_of_them_gives_way_at_once);
    tcase_add_test(t, client_that_has_not_asked_yet_is_given_a_second);
    suite_add_tcase(s, t);
    return s;
}
