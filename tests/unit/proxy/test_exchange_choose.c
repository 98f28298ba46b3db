/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange among three targets; whole requests and sessions: tests/flow/test_exchange_upstream.c. */
#include "exchange_internal.h"
#include "t.h"

enum { TARGETS = 3 };

static struct config_upstream conf;
static struct config_target target_conf[TARGETS];
static struct plan_target targets[TARGETS];
static struct plan_upstream upstream;
static struct config_route route_conf;
static struct plan_route route;
static struct plan_listener listener;
static struct target_state *state;
static struct proxy_env env;
static struct client client;
static struct exchange x;
static unsigned told[3];

static void on_target(void *ctx, const struct plan_target *target, enum target_event what)
{
    (void)ctx;
    ck_assert_ptr_eq(target, x.way.target);
    told[what]++;
}

static void set_up(void)
{
    conf = (struct config_upstream){.n_targets = TARGETS, .targets = target_conf, .retry_after_ms = 10000};
    upstream = (struct plan_upstream){.conf = &conf, .targets = targets, .n_targets = TARGETS};
    for (size_t i = 0; i < TARGETS; i++) {
        target_conf[i] = (struct config_target){.text = (char *)(uintptr_t)"a.example:80", .weight = 1};
        targets[i] = (struct plan_target){.conf = &target_conf[i], .upstream = &upstream, .index = i};
    }
    state = target_state_new(TARGETS);
    env = (struct proxy_env){.balancer = balancer_new(&upstream, 1, state), .observer = {.on_target = on_target}};
    ck_assert(state != NULL && env.balancer != NULL);
    route = (struct plan_route){.conf = &route_conf, .upstream = &upstream};
    client = (struct client){.env = &env};
    x = (struct exchange){.client = &client, .listener = &listener, .way = {.route = &route}};
    told[TARGET_BEGUN] = told[TARGET_ENDED] = told[TARGET_FAILED] = 0;
}

static void tear_down(void)
{
    exchange_leave_target(&x);
    balancer_free(env.balancer);
    target_state_free(state);
}

START_TEST(each_target_is_tried_once_and_the_last_stays_chosen)
{
    static const struct moment now = {.us = 1000};
    unsigned seen = 0;
    ck_assert(exchange_choose(&x, now));
    for (int i = 1; i < TARGETS; i++) {
        seen |= 1U << x.way.target->index;
        ck_assert(exchange_choose_next(&x, now));
    }
    seen |= 1U << x.way.target->index;
    ck_assert_uint_eq(seen, 7);
    const struct plan_target *last = x.way.target;
    ck_assert(!exchange_choose_next(&x, now));
    ck_assert_ptr_eq(x.way.target, last);
}
END_TEST

START_TEST(what_runs_on_a_target_is_told_to_begin_and_to_end_once)
{
    static const struct moment now = {.us = 1000};
    ck_assert(exchange_choose(&x, now));
    ck_assert(exchange_choose_next(&x, now));
    exchange_leave_target(&x);
    exchange_leave_target(&x);
    ck_assert(told[TARGET_BEGUN] == 2 && told[TARGET_ENDED] == 2);
}
END_TEST

START_TEST(a_route_that_answers_by_itself_has_no_target)
{
    static const struct moment now = {.us = 1000};
    ck_assert(exchange_choose(&x, now));
    route.upstream = NULL;
    ck_assert(!exchange_choose_next(&x, now));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_choose");
    TCase *t = tcase_create("exchange_choose");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, each_target_is_tried_once_and_the_last_stays_chosen);
    tcase_add_test(t, what_runs_on_a_target_is_told_to_begin_and_to_end_once);
    tcase_add_test(t, a_route_that_answers_by_itself_has_no_target);
    suite_add_tcase(s, t);
    return s;
}
