/* SPDX-License-Identifier: Apache-2.0 */
/* D5: what libuv does with a descriptor that is in its loop's set already. */
#include "watch.h"
#include "t.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static uv_loop_t loop;
static int ends[2];
static unsigned n_ready;

static void set_up(void)
{
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    n_ready = 0;
}

static void tear_down(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    close(ends[0]);
    close(ends[1]);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    char byte;
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(events, UV_READABLE);
    ck_assert_int_eq(recv(ends[0], &byte, 1, 0), 1);
    if (++n_ready == 2)
        uv_poll_stop(poll);
}

START_TEST(libuv_watches_what_is_there_already)
{
    static uv_poll_t poll;
    ck_assert_int_eq(uv_poll_init(&loop, &poll, ends[0]), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(watch_reserve(&loop, ends[0]), 0);
        ck_assert_int_eq(watch_reserve(&loop, ends[0]), 0);
        ck_assert_int_eq(uv_poll_start(&poll, UV_READABLE, on_ready), 0);
        ck_assert_int_eq(send(ends[1], "ab", 2, 0), 2);
        uv_run(&loop, UV_RUN_DEFAULT);
        ck_assert_uint_eq(n_ready, 2);
        n_ready = 0;
    }
    uv_close((uv_handle_t *)&poll, NULL);
}
END_TEST

static void on_turn(uv_idle_t *idle)
{
    (void)idle;
}

static void run_one_turn(void)
{
    static uv_idle_t awake;
    uv_idle_init(&loop, &awake);
    uv_idle_start(&awake, on_turn);
    uv_run(&loop, UV_RUN_NOWAIT);
    uv_close((uv_handle_t *)&awake, NULL);
}

START_TEST(libuv_lets_go_what_it_was_never_told_of)
{
    ck_assert_int_eq(watch_reserve(&loop, ends[0]), 0);
    close(ends[1]); /* an end is told of although nobody asked */
    run_one_turn();
    ck_assert_int_eq(watch_reserve(&loop, ends[0]), 0); /* it had gone: nothing spins */
    ends[1] = dup(ends[0]);
}
END_TEST

/* libuv ends the process at an event of a descriptor above all that it ever watched. */
START_TEST(end_before_the_first_watch_is_survived)
{
    int high = fcntl(ends[0], F_DUPFD_CLOEXEC, 300);
    ck_assert_int_ge(high, 300);
    ck_assert_int_eq(watch_reserve(&loop, high), 0);
    close(ends[1]);
    run_one_turn();
    static uv_poll_t poll;
    ck_assert_int_eq(uv_poll_init(&loop, &poll, high), 0);
    ck_assert_int_eq(watch_reserve(&loop, high), 0);
    ck_assert_int_eq(uv_poll_start(&poll, UV_DISCONNECT, on_ready), 0);
    ck_assert_int_eq(watch_reserve(&loop, high), 0);
    uv_close((uv_handle_t *)&poll, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    close(high);
    ends[1] = dup(ends[0]);
}
END_TEST

START_TEST(says_why_not)
{
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(watch_reserve(&loop, file), UV_EPERM);
    close(file);
    ck_assert_int_eq(watch_reserve(&loop, file), UV_EBADF);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("watch");
    TCase *t = tcase_create("watch");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, libuv_watches_what_is_there_already);
    tcase_add_test(t, libuv_lets_go_what_it_was_never_told_of);
    tcase_add_test(t, end_before_the_first_watch_is_survived);
    tcase_add_test(t, says_why_not);
    suite_add_tcase(s, t);
    return s;
}
