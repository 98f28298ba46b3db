/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/balancer.h"
#include "t.h"

#include <stdio.h>

enum { N = 3, SECOND = 1000000 };

static char names[N + 1][8];
static struct config_target target_conf[N + 1];
static struct config_upstream conf[2];
static struct plan_upstream upstreams[2];
static struct plan_target targets[N + 1]; /* three of the first upstream, one of the second */
static struct target_state *target_state;
static struct balancer *f;

static void begin(void)
{
    for (size_t i = 0; i < N + 1; i++) {
        snprintf(names[i], sizeof(names[i]), "t%zu:80", i);
        target_conf[i] = (struct config_target){.text = names[i], .weight = 1};
        targets[i] = (struct plan_target){.conf = &target_conf[i], .upstream = &upstreams[i < N ? 0 : 1], .index = i};
    }
    for (size_t i = 0; i < 2; i++) {
        conf[i] = (struct config_upstream){.retry_after_ms = 10000};
        upstreams[i] = (struct plan_upstream){.conf = &conf[i], .targets = &targets[i * N], .n_targets = i == 0 ? N : 1, .index = i};
    }
    target_state = target_state_new(N + 1);
    f = balancer_new(upstreams, 2, target_state);
    ck_assert(target_state != NULL && f != NULL);
}

static void end(void)
{
    balancer_free(f);
    target_state_free(target_state);
}

/* The number of the target that is given, -1: none. */
static int choose_wish(const struct balancer_wish *wish, uint64_t now_us)
{
    const struct plan_target *t = balancer_choose(f, &upstreams[0], wish, now_us);
    return t == NULL ? -1 : (int)t->index;
}

static int choose(uint64_t now_us)
{
    return choose_wish(&(struct balancer_wish){0}, now_us);
}

START_TEST(requests_go_around)
{
    unsigned got[N] = {0};
    for (int i = 0; i < 30; i++)
        got[choose(1)]++;
    for (size_t i = 0; i < N; i++)
        ck_assert_uint_eq(got[i], 10);
}
END_TEST

START_TEST(a_failed_target_is_passed_over_for_retry_after)
{
    balancer_failed(f, &targets[1], SECOND);
    for (int i = 0; i < 12; i++)
        ck_assert_int_ne(choose(11 * SECOND - 1), 1);
    bool seen = false;
    for (int i = 0; i < 12; i++)
        seen = seen || choose(11 * SECOND) == 1;
    ck_assert(seen);
}
END_TEST

START_TEST(another_worker_sees_the_failure)
{
    struct balancer *other = balancer_new(upstreams, 2, target_state);
    ck_assert_ptr_nonnull(other);
    balancer_failed(other, &targets[0], SECOND);
    for (int i = 0; i < 12; i++)
        ck_assert_int_ne(choose(SECOND), 0);
    balancer_free(other);
}
END_TEST

START_TEST(without_retry_after_nothing_is_held)
{
    conf[0].retry_after_ms = 0;
    balancer_failed(f, &targets[1], SECOND);
    ck_assert_uint_eq(target_state_held_until(target_state, 1), 0);
}
END_TEST

START_TEST(a_target_that_works_again_is_not_held_any_more)
{
    balancer_failed(f, &targets[1], SECOND);
    balancer_worked(f, &targets[0]);
    ck_assert_uint_ne(target_state_held_until(target_state, 1), 0);
    balancer_worked(f, &targets[1]);
    ck_assert_uint_eq(target_state_held_until(target_state, 1), 0);
}
END_TEST

START_TEST(when_all_are_held_the_one_that_is_free_first_is_given)
{
    balancer_failed(f, &targets[2], 1 * SECOND);
    balancer_failed(f, &targets[0], 2 * SECOND);
    balancer_failed(f, &targets[1], 3 * SECOND);
    ck_assert_int_eq(choose(4 * SECOND), 2);
    ck_assert_int_eq(choose_wish(&(struct balancer_wish){.tried = 4}, 4 * SECOND), 0);
    ck_assert_int_eq(choose_wish(&(struct balancer_wish){.tried = 7}, 4 * SECOND), -1);
}
END_TEST

START_TEST(down_and_drained_targets_get_nothing)
{
    target_state_set_down(target_state, 0, true);
    target_state_set_mode(target_state, 1, TARGET_DRAINED);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(choose(1), 2);
    balancer_failed(f, &targets[2], 1);
    ck_assert_int_eq(choose(2), 2);
    ck_assert_int_eq(choose_wish(&(struct balancer_wish){.tried = 4}, 2), -1);
    target_state_set_down(target_state, 2, true);
    ck_assert_int_eq(choose(2), -1);
}
END_TEST

START_TEST(a_backup_gets_requests_only_when_nobody_else_can)
{
    target_conf[2].backup = true;
    balancer_free(f);
    f = balancer_new(upstreams, 2, target_state);
    for (int i = 0; i < 6; i++)
        ck_assert_int_ne(choose(1), 2);
    balancer_failed(f, &targets[0], 1);
    target_state_set_down(target_state, 1, true);
    ck_assert_int_eq(choose(2), 2);
}
END_TEST

START_TEST(a_session_stays_while_its_target_is_usable)
{
    struct balancer_wish wish = {.sticky = &targets[1]};
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(choose_wish(&wish, 1), 1);
    target_state_set_mode(target_state, 1, TARGET_DRAINED);
    ck_assert_int_eq(choose_wish(&wish, 1), 1); /* no session ends by draining */
    target_state_set_mode(target_state, 1, TARGET_ENABLED);
    balancer_failed(f, &targets[1], 1);
    ck_assert_int_ne(choose_wish(&wish, 2), 1);
    balancer_worked(f, &targets[1]);
    target_state_set_down(target_state, 1, true);
    ck_assert_int_ne(choose_wish(&wish, 2), 1);
    target_state_set_down(target_state, 1, false);
    wish.tried = 2;
    ck_assert_int_ne(choose_wish(&wish, 2), 1);
    wish = (struct balancer_wish){.sticky = &targets[N]}; /* of another upstream */
    ck_assert_int_ne(choose_wish(&wish, 2), N);
}
END_TEST

START_TEST(a_key_always_finds_the_same_target)
{
    bool seen[N] = {false};
    for (uint64_t key = 0; key < 50; key++) {
        struct balancer_wish wish = {.by_key = true, .key = key * UINT64_C(0x9e3779b97f4a7c15)};
        int first = choose_wish(&wish, 1);
        ck_assert_int_eq(choose_wish(&wish, 1), first);
        seen[first] = true;
    }
    ck_assert(seen[0] && seen[1] && seen[2]);
}
END_TEST

START_TEST(the_least_busy_is_chosen)
{
    conf[0].balance = CONFIG_BALANCE_LEAST_CONN;
    balancer_begin(f, &targets[0]);
    balancer_begin(f, &targets[1]);
    balancer_begin(f, &targets[1]);
    ck_assert_int_eq(choose(1), 2);
    balancer_begin(f, &targets[2]);
    balancer_begin(f, &targets[2]);
    ck_assert_int_eq(choose(1), 0);
    balancer_end(f, &targets[1]);
    balancer_end(f, &targets[1]);
    ck_assert_int_eq(choose(1), 1);
}
END_TEST

START_TEST(workers_take_turns_together)
{
    struct balancer *workers[4] = {f};
    unsigned got[N] = {0};
    for (size_t i = 1; i < 4; i++)
        workers[i] = balancer_new(upstreams, 2, target_state);
    for (size_t i = 0; i < 9; i++)
        got[balancer_choose(workers[i % 4], &upstreams[0], &(struct balancer_wish){0}, 1)->index]++;
    for (size_t i = 0; i < N; i++)
        ck_assert_uint_eq(got[i], 3);
    for (size_t i = 1; i < 4; i++)
        balancer_free(workers[i]);
}
END_TEST

START_TEST(workers_count_what_runs_together)
{
    conf[0].balance = CONFIG_BALANCE_LEAST_CONN;
    struct balancer *other = balancer_new(upstreams, 2, target_state);
    balancer_begin(other, &targets[0]);
    balancer_begin(other, &targets[1]);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(choose(1), 2);
    balancer_end(f, &targets[1]); /* a connection does not change its worker; the count would not mind */
    balancer_begin(f, &targets[2]);
    ck_assert_int_eq(choose(1), 1);
    balancer_free(other);
}
END_TEST

START_TEST(a_weight_set_by_hand_replaces_the_configured_one)
{
    unsigned got[N] = {0};
    ck_assert_uint_eq(balancer_weight(target_state, &targets[1]), 1);
    target_state_set_weight(target_state, 1, 8);
    ck_assert_uint_eq(balancer_weight(target_state, &targets[1]), 8);
    for (int i = 0; i < 100; i++)
        got[choose(1)]++;
    ck_assert_uint_eq(got[0], 10);
    ck_assert_uint_eq(got[1], 80);
    ck_assert_uint_eq(got[2], 10);
    target_state_set_weight(target_state, 1, 0);
    ck_assert_uint_eq(balancer_weight(target_state, &targets[1]), 1);
}
END_TEST

START_TEST(a_disabled_target_gets_nothing_not_even_sessions)
{
    const struct balancer_wish wish = {.sticky = &targets[1]}, lone = {.sticky = &targets[N]};
    target_state_set_mode(target_state, 1, TARGET_DISABLED);
    target_state_set_mode(target_state, N, TARGET_DISABLED);
    for (int i = 0; i < 6; i++)
        ck_assert_int_ne(choose_wish(&wish, 1), 1);
    ck_assert_ptr_null(balancer_choose(f, &upstreams[1], &lone, 1));
}
END_TEST

START_TEST(a_single_target_is_given_unless_tried_or_drained)
{
    const struct balancer_wish wish = {0}, again = {.tried = 1};
    balancer_failed(f, &targets[N], 1);
    target_state_set_down(target_state, N, true);
    ck_assert_ptr_eq(balancer_choose(f, &upstreams[1], &wish, 2), &targets[N]);
    ck_assert_ptr_null(balancer_choose(f, &upstreams[1], &again, 2));
    target_state_set_mode(target_state, N, TARGET_DRAINED);
    ck_assert_ptr_null(balancer_choose(f, &upstreams[1], &wish, 2));
}
END_TEST

START_TEST(of_an_old_snapshot_nothing_is_known)
{
    struct plan_target old[2] = {targets[0], targets[1]};
    struct plan_upstream old_up = {.conf = &conf[0], .targets = old, .n_targets = 2};
    old[0].upstream = old[1].upstream = &old_up;
    const struct balancer_wish wish = {0}, again = {.tried = 1}, both = {.tried = 3};
    ck_assert_ptr_eq(balancer_choose(f, &old_up, &wish, 1), &old[0]);
    ck_assert_ptr_eq(balancer_choose(f, &old_up, &again, 1), &old[1]);
    ck_assert_ptr_null(balancer_choose(f, &old_up, &both, 1));
    balancer_begin(f, &old[0]);
    balancer_failed(f, &old[0], 1);
    balancer_worked(f, &old[0]);
    balancer_end(f, &old[0]);
    balancer_earn(f, &old_up);
    ck_assert(!balancer_spend(f, &old_up));
    ck_assert_uint_eq(target_state_held_until(target_state, 0), 0);
}
END_TEST

START_TEST(retries_end_with_the_budget) /* C10 */
{
    unsigned spent = 0;
    while (balancer_spend(f, &upstreams[0]))
        spent++;
    ck_assert_uint_eq(spent, 10);
    for (int i = 0; i < 4; i++)
        balancer_earn(f, &upstreams[0]);
    ck_assert(!balancer_spend(f, &upstreams[0]));
    balancer_earn(f, &upstreams[0]);
    ck_assert(balancer_spend(f, &upstreams[0]));
    ck_assert(!balancer_spend(f, &upstreams[0]));
    ck_assert(balancer_spend(f, &upstreams[1])); /* each upstream has its own */
    for (int i = 0; i < 100000; i++)
        balancer_earn(f, &upstreams[0]);
    for (spent = 0; balancer_spend(f, &upstreams[0]);)
        spent++;
    ck_assert_uint_eq(spent, 10); /* a quiet day does not buy a storm */
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("balancer");
    TCase *t = tcase_create("unit");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, requests_go_around);
    tcase_add_test(t, a_failed_target_is_passed_over_for_retry_after);
    tcase_add_test(t, another_worker_sees_the_failure);
    tcase_add_test(t, without_retry_after_nothing_is_held);
    tcase_add_test(t, a_target_that_works_again_is_not_held_any_more);
    tcase_add_test(t, when_all_are_held_the_one_that_is_free_first_is_given);
    tcase_add_test(t, down_and_drained_targets_get_nothing);
    tcase_add_test(t, a_backup_gets_requests_only_when_nobody_else_can);
    tcase_add_test(t, a_session_stays_while_its_target_is_usable);
    tcase_add_test(t, a_key_always_finds_the_same_target);
    tcase_add_test(t, the_least_busy_is_chosen);
    tcase_add_test(t, workers_take_turns_together);
    tcase_add_test(t, workers_count_what_runs_together);
    tcase_add_test(t, a_weight_set_by_hand_replaces_the_configured_one);
    tcase_add_test(t, a_disabled_target_gets_nothing_not_even_sessions);
    tcase_add_test(t, a_single_target_is_given_unless_tried_or_drained);
    tcase_add_test(t, of_an_old_snapshot_nothing_is_known);
    tcase_add_test(t, retries_end_with_the_budget);
    suite_add_tcase(s, t);
    return s;
}
