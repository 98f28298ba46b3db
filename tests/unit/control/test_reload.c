/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/reload.h"
#include "t.h"

#include <string.h>

static struct reload_queue q;
static int who[RELOAD_WAITING_MAX + 1];

static void set_up(void)
{
    q = (struct reload_queue){0};
}

START_TEST(a_reload_answers_those_who_asked_before_it_began)
{
    ck_assert_int_eq(reload_ask(&q, &who[0]), RELOAD_NOW);
    ck_assert_int_eq(reload_ask(&q, &who[1]), RELOAD_LATER);
    ck_assert_int_eq(reload_ask(&q, &who[2]), RELOAD_LATER);
    ck_assert_ptr_eq(reload_next_answer(&q), &who[0]);
    ck_assert_ptr_null(reload_next_answer(&q));
    ck_assert(reload_end(&q)); /* what came meanwhile gets one of its own, together */
    ck_assert_ptr_eq(reload_next_answer(&q), &who[1]);
    ck_assert_ptr_eq(reload_next_answer(&q), &who[2]);
    ck_assert_ptr_null(reload_next_answer(&q));
    ck_assert(!reload_end(&q));
    ck_assert_int_eq(reload_ask(&q, NULL), RELOAD_NOW);
}
END_TEST

START_TEST(a_signal_while_one_runs_means_another_one)
{
    ck_assert_int_eq(reload_ask(&q, NULL), RELOAD_NOW);
    ck_assert_int_eq(reload_ask(&q, NULL), RELOAD_LATER);
    ck_assert_int_eq(reload_ask(&q, NULL), RELOAD_LATER);
    ck_assert_ptr_null(reload_next_answer(&q));
    ck_assert(reload_end(&q));
    ck_assert(!reload_end(&q)); /* one for both */
}
END_TEST

START_TEST(refuses_more_than_it_can_answer_and_still_takes_signals)
{
    for (int i = 0; i < RELOAD_WAITING_MAX; i++)
        ck_assert_int_eq(reload_ask(&q, &who[i]), i == 0 ? RELOAD_NOW : RELOAD_LATER);
    ck_assert_int_eq(reload_ask(&q, &who[RELOAD_WAITING_MAX]), RELOAD_REFUSED);
    ck_assert_int_eq(reload_ask(&q, NULL), RELOAD_LATER);
    ck_assert_ptr_eq(reload_next_answer(&q), &who[0]);
    ck_assert(reload_end(&q));
    ck_assert_int_eq(reload_ask(&q, &who[0]), RELOAD_LATER);
    for (int i = 1; i < RELOAD_WAITING_MAX; i++)
        ck_assert_ptr_eq(reload_next_answer(&q), &who[i]);
    ck_assert_ptr_null(reload_next_answer(&q)); /* the late one waits for the next */
    ck_assert(reload_end(&q));
    ck_assert_ptr_eq(reload_next_answer(&q), &who[0]);
}
END_TEST

static void expect_warnings(const struct config *next, size_t n, const char *says)
{
    struct findings f;
    findings_init(&f);
    reload_review(next, 2, "/run/a.sock", &f);
    ck_assert_uint_eq(f.n, n);
    ck_assert_uint_eq(f.errors, 0);
    ck_assert_msg(n == 0 || strstr(f.items[n - 1].text, says) != NULL, "%s", n > 0 ? f.items[n - 1].text : "");
    findings_clear(&f);
}

START_TEST(warns_of_what_only_a_restart_changes)
{
    char same[] = "/run/a.sock", other[] = "/run/b.sock";
    struct config next = {.workers = 2, .admin_socket = same};
    expect_warnings(&next, 0, "");
    next.workers = 3;
    expect_warnings(&next, 1, "workers: 2 stay in use");
    next.admin_socket = other;
    expect_warnings(&next, 2, "/run/a.sock stays in use");
    next.admin_socket = NULL;
    expect_warnings(&next, 2, "restart mtlsd for none");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("reload");
    TCase *t = tcase_create("reload");
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_test(t, a_reload_answers_those_who_asked_before_it_began);
    tcase_add_test(t, a_signal_while_one_runs_means_another_one);
    tcase_add_test(t, refuses_more_than_it_can_answer_and_still_takes_signals);
    tcase_add_test(t, warns_of_what_only_a_restart_changes);
    suite_add_tcase(s, t);
    return s;
}
