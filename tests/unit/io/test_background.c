/* SPDX-License-Identifier: Apache-2.0 */
/* Row D5 of the security list: threads are there before they are needed. */
#include "mtlsd/io/background.h"
#include "t.h"

#include <semaphore.h>
#include <uv.h>

static uv_loop_t loop;
static struct background *background;
static struct err err;
static sem_t may_end;
static int began, ended;
static uv_thread_t here;

static void set_up(void)
{
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    err = (struct err){0};
    background = background_new(&loop, &err);
    ck_assert_msg(background != NULL, "%s", err.text);
    sem_init(&may_end, 0, 0);
    began = ended = 0;
    here = uv_thread_self();
}

static void tear_down(void)
{
    background_stop(background);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    sem_destroy(&may_end);
}

static void work(void *ctx)
{
    uv_thread_t self = uv_thread_self();
    ck_assert(!uv_thread_equal(&self, &here));
    __atomic_add_fetch((int *)ctx, 1, __ATOMIC_SEQ_CST);
}

static void wait_then_work(void *ctx)
{
    sem_wait(&may_end);
    work(ctx);
}

static void done(void *ctx)
{
    uv_thread_t self = uv_thread_self();
    ck_assert(uv_thread_equal(&self, &here));
    ck_assert_int_gt(__atomic_load_n((int *)ctx, __ATOMIC_SEQ_CST), 0);
    ended++;
}

static void done_then_again(void *ctx)
{
    done(ctx);
    ck_assert_int_eq(background_do(background, work, done, ctx), 0);
}

static void run_until(int wanted)
{
    for (int i = 0; i < 2000 && ended < wanted; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        uv_sleep(1);
    }
    ck_assert_int_eq(ended, wanted);
}

START_TEST(works_on_a_thread_and_is_done_on_the_loop)
{
    ck_assert(!background_is_busy(background));
    ck_assert_int_eq(background_do(background, work, done_then_again, &began), 0);
    ck_assert(background_is_busy(background));
    run_until(2);
    ck_assert(!background_is_busy(background));
}
END_TEST

START_TEST(work_that_hangs_does_not_hold_up_the_next_one)
{
    ck_assert_int_eq(background_do(background, wait_then_work, done, &began), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(background_do(background, work, done, &began), 0);
    run_until(3);
    ck_assert(background_is_busy(background));
    sem_post(&may_end);
    run_until(4);
}
END_TEST

static uv_thread_t worked_on[4];

static void note_thread(void *ctx)
{
    worked_on[began] = uv_thread_self();
    work(ctx);
}

START_TEST(loads_take_turns_among_the_threads)
{
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(background_do_apart(background, note_thread, done, &began), 0);
        run_until(i + 1);
    }
    ck_assert(!uv_thread_equal(&worked_on[0], &worked_on[1]));
    ck_assert(uv_thread_equal(&worked_on[0], &worked_on[2]));
    ck_assert(uv_thread_equal(&worked_on[1], &worked_on[3]));
}
END_TEST

START_TEST(a_load_does_not_wait_for_a_thread_that_hangs)
{
    ck_assert_int_eq(background_do(background, wait_then_work, done, &began), 0);
    uv_sleep(20);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(background_do_apart(background, work, done, &began), 0);
        run_until(i + 1);
    }
    sem_post(&may_end);
    run_until(3);
}
END_TEST

START_TEST(what_was_given_before_the_end_is_done)
{
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(background_do(background, work, done, &began), 0);
    background_stop(background);
    ck_assert_int_eq(ended, 5);
    background_stop(NULL);
    background = background_new(&loop, &err);
}
END_TEST

static void throw(void *ctx)
{
    ck_assert_int_eq(background_throw(background, work, ctx), 0);
}

/* From another thread than the loop's. */
START_TEST(what_nobody_waits_for_is_done_and_holds_nothing_up)
{
    uv_thread_t other;
    ck_assert_int_eq(uv_thread_create(&other, throw, &began), 0);
    uv_thread_join(&other);
    ck_assert(!background_is_busy(background));
    uv_run(&loop, UV_RUN_DEFAULT); /* comes back: nothing keeps the loop */
    background_stop(background);
    ck_assert_int_eq(began, 1);
    ck_assert_int_eq(ended, 0);
    background = background_new(&loop, &err);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("background");
    TCase *c = tcase_create("background");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, works_on_a_thread_and_is_done_on_the_loop);
    tcase_add_test(c, work_that_hangs_does_not_hold_up_the_next_one);
    tcase_add_test(c, loads_take_turns_among_the_threads);
    tcase_add_test(c, a_load_does_not_wait_for_a_thread_that_hangs);
    tcase_add_test(c, what_was_given_before_the_end_is_done);
    tcase_add_test(c, what_nobody_waits_for_is_done_and_holds_nothing_up);
    suite_add_tcase(s, c);
    return s;
}
