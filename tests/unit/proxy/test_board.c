/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/board.h"
#include "t.h"

static struct board *b;

static void begin(void)
{
    b = board_new(3);
    ck_assert_ptr_nonnull(b);
}

static void end(void)
{
    board_free(b);
}

START_TEST(all_targets_begin_as_usable)
{
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(board_held_until(b, i), 0);
        ck_assert(!board_is_down(b, i));
        ck_assert(!board_is_drained(b, i));
    }
}
END_TEST

START_TEST(what_is_said_of_one_target_is_not_said_of_its_neighbours)
{
    board_hold(b, 1, 77);
    board_set_down(b, 1, true);
    board_set_drained(b, 1, true);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(board_held_until(b, i), i == 1 ? 77 : 0);
        ck_assert(board_is_down(b, i) == (i == 1));
        ck_assert(board_is_drained(b, i) == (i == 1));
    }
    board_hold(b, 1, 0);
    board_set_down(b, 1, false);
    board_set_drained(b, 1, false);
    ck_assert_uint_eq(board_held_until(b, 1), 0);
    ck_assert(!board_is_down(b, 1) && !board_is_drained(b, 1));
}
END_TEST

START_TEST(a_reload_carries_over_what_was_known)
{
    struct board *next = board_new(2);
    ck_assert_ptr_nonnull(next);
    board_hold(b, 2, 5);
    board_set_drained(b, 2, true);
    board_set_down(next, 0, true);
    board_take_over(next, 0, b, 2);
    ck_assert_uint_eq(board_held_until(next, 0), 5);
    ck_assert(board_is_drained(next, 0));
    ck_assert(!board_is_down(next, 0));
    ck_assert_uint_eq(board_held_until(next, 1), 0);
    board_free(next);
}
END_TEST

START_TEST(a_board_without_targets_is_none_the_worse)
{
    struct board *empty = board_new(0);
    ck_assert_ptr_nonnull(empty);
    board_free(empty);
    board_free(NULL);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("board");
    TCase *t = tcase_create("unit");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, all_targets_begin_as_usable);
    tcase_add_test(t, what_is_said_of_one_target_is_not_said_of_its_neighbours);
    tcase_add_test(t, a_reload_carries_over_what_was_known);
    tcase_add_test(t, a_board_without_targets_is_none_the_worse);
    suite_add_tcase(s, t);
    return s;
}
