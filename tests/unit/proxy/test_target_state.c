/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/target_state.h"
#include "t.h"

static struct target_state *b;

static void begin(void)
{
    b = target_state_new(3);
    ck_assert_ptr_nonnull(b);
}

static void end(void)
{
    target_state_free(b);
}

START_TEST(all_targets_begin_as_usable)
{
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(target_state_held_until(b, i), 0);
        ck_assert(!target_state_is_down(b, i));
        ck_assert(target_state_mode(b, i) == TARGET_ENABLED);
        ck_assert_uint_eq(target_state_weight(b, i), 0);
        ck_assert_uint_eq(target_state_active(b, i), 0);
        ck_assert_uint_eq(target_state_next_turn(b, i), 0);
    }
}
END_TEST

START_TEST(what_is_said_of_one_target_is_not_said_of_its_neighbours)
{
    target_state_hold(b, 1, 77);
    target_state_set_down(b, 1, true);
    target_state_set_mode(b, 1, TARGET_DISABLED);
    target_state_set_weight(b, 1, 9);
    target_state_begin(b, 1);
    target_state_begin(b, 1);
    target_state_end(b, 1);
    ck_assert(target_state_take_turn(b, 1, 0, 5));
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(target_state_held_until(b, i), i == 1 ? 77 : 0);
        ck_assert(target_state_is_down(b, i) == (i == 1));
        ck_assert((target_state_mode(b, i) == TARGET_DISABLED) == (i == 1));
        ck_assert_uint_eq(target_state_weight(b, i), i == 1 ? 9 : 0);
        ck_assert_uint_eq(target_state_active(b, i), i == 1);
        ck_assert_uint_eq(target_state_next_turn(b, i), i == 1 ? 5 : 0);
        struct target_seen seen;
        target_state_look(b, i, &seen);
        ck_assert(seen.takes_new == (i != 1) && seen.weight == (i == 1 ? 9 : 0) && seen.next_turn == (i == 1 ? 5 : 0));
    }
    target_state_hold(b, 1, 0);
    target_state_set_down(b, 1, false);
    target_state_set_mode(b, 1, TARGET_ENABLED);
    ck_assert_uint_eq(target_state_held_until(b, 1), 0);
    ck_assert(!target_state_is_down(b, 1) && target_state_mode(b, 1) == TARGET_ENABLED);
}
END_TEST

START_TEST(a_turn_is_taken_once)
{
    ck_assert(target_state_take_turn(b, 0, 0, 10));
    ck_assert(!target_state_take_turn(b, 0, 0, 10));
    ck_assert(target_state_take_turn(b, 0, 10, 20));
    target_state_set_last_turn(b, 0, 10);
    ck_assert_uint_eq(target_state_last_turn(b, 0), 10);
}
END_TEST

START_TEST(a_reload_carries_over_what_was_known)
{
    struct target_state *next = target_state_new(2);
    ck_assert_ptr_nonnull(next);
    target_state_hold(b, 2, 5);
    target_state_set_mode(b, 2, TARGET_DRAINED);
    target_state_set_weight(b, 2, 7);
    target_state_begin(b, 2);
    target_state_set_down(next, 0, true);
    target_state_take_over(next, 0, b, 2);
    ck_assert_uint_eq(target_state_held_until(next, 0), 5);
    ck_assert(target_state_mode(next, 0) == TARGET_DRAINED);
    ck_assert_uint_eq(target_state_weight(next, 0), 7);
    ck_assert_uint_eq(target_state_active(next, 0), 0); /* what runs there ends there */
    ck_assert(!target_state_is_down(next, 0));
    ck_assert_uint_eq(target_state_held_until(next, 1), 0);
    target_state_free(next);
}
END_TEST

START_TEST(an_ignored_staple_is_noted_once_for_each_upstream)
{
    ck_assert_ptr_null(target_state_staple_fault(b, 0));
    ck_assert(target_state_note_staple(b, 0, "old") && !target_state_note_staple(b, 0, "new"));
    ck_assert_str_eq(target_state_staple_fault(b, 0), "new");
    ck_assert(target_state_note_staple(b, 2, "old") && !target_state_note_staple(b, 0, "old"));
}
END_TEST

START_TEST(a_state_without_targets_is_none_the_worse)
{
    struct target_state *empty = target_state_new(0);
    ck_assert_ptr_nonnull(empty);
    target_state_free(empty);
    target_state_free(NULL);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("target_state");
    TCase *t = tcase_create("unit");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, all_targets_begin_as_usable);
    tcase_add_test(t, what_is_said_of_one_target_is_not_said_of_its_neighbours);
    tcase_add_test(t, a_turn_is_taken_once);
    tcase_add_test(t, a_reload_carries_over_what_was_known);
    tcase_add_test(t, an_ignored_staple_is_noted_once_for_each_upstream);
    tcase_add_test(t, a_state_without_targets_is_none_the_worse);
    suite_add_tcase(s, t);
    return s;
}
