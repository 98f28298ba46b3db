/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"
#include "t.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static uv_loop_t loop;
static struct stream stream;
static struct stream_buffer buffer;
static char room[4096];
static int ends[2];
static unsigned n_read, n_closed;
static bool pause_after_read;
static const struct span word = {(const uint8_t *)"word", 4};

static void on_read(void *owner, struct span data)
{
    ck_assert_ptr_eq(owner, &stream);
    n_read += (unsigned)data.len;
    if (pause_after_read)
        stream_read(&stream, false);
}

static void on_end(void *owner)
{
    (void)owner;
}

static void on_error(void *owner, const char *text)
{
    (void)owner;
    (void)text;
}

static void on_sent(void *owner, size_t n)
{
    (void)owner;
    (void)n;
}

static void on_closed(void *owner)
{
    (void)owner;
    n_closed++;
}

static const struct stream_events events = {on_read, on_end, on_error, on_sent, on_closed};

static void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    buffer = (struct stream_buffer){.data = room, .size = sizeof(room)};
    turn_init(&buffer.turn);
    ck_assert_int_eq(stream_init(&stream, &loop, false, &buffer), 0);
    stream_set_owner(&stream, &events, &stream);
    ck_assert_int_eq(stream_open(&stream, ends[0]), 0);
    n_read = n_closed = 0;
    pause_after_read = false;
}

static void tear_down(void)
{
    stream_close(&stream, false);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(n_closed, 1);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    close(ends[1]);
}

static void read_some(void)
{
    stream_begin_turn(&buffer);
    stream_read(&stream, true);
    uv_run(&loop, UV_RUN_NOWAIT);
}

START_TEST(is_not_lost_while_it_can_write)
{
    ck_assert_uint_eq(stream_send(&stream, &word, 1), 4);
    ck_assert(!stream_is_lost(&stream));
}
END_TEST

/* D5: nothing would come to tell of it. */
START_TEST(is_lost_when_a_write_fails_and_nothing_can_be_read)
{
    shutdown(ends[0], SHUT_WR);
    ck_assert_uint_eq(stream_send(&stream, &word, 1), 0);
    ck_assert(stream.dead);
    ck_assert_int_eq(stream.error, UV_EPIPE);
    ck_assert(stream_is_lost(&stream));
}
END_TEST

START_TEST(what_the_peer_said_before_a_write_failed_is_read_first)
{
    shutdown(ends[0], SHUT_WR);
    ck_assert_int_eq(write(ends[1], "answer", 6), 6);
    ck_assert_uint_eq(stream_send(&stream, &word, 1), 0);
    ck_assert(!stream_is_lost(&stream));
    read_some();
    ck_assert_uint_eq(n_read, 6);
    ck_assert(stream_is_lost(&stream));
}
END_TEST

START_TEST(end_that_waits_to_be_read_tells_more_than_the_write)
{
    close(ends[1]);
    ends[1] = dup(0);
    ck_assert_uint_eq(stream_send(&stream, &word, 1), 0);
    ck_assert(!stream_is_lost(&stream));
    read_some();
    ck_assert(stream.ended);
    ck_assert(stream_is_lost(&stream));
}
END_TEST

START_TEST(ends_its_direction_with_the_turn_and_goes_on_reading)
{
    char byte;
    ck_assert_uint_eq(stream_send(&stream, &word, 1), 4);
    stream_shut(&stream);
    ck_assert_int_eq(recv(ends[1], room, 4, 0), 4);
    ck_assert_int_lt(recv(ends[1], &byte, 1, MSG_DONTWAIT), 0); /* it may be closed in this turn */
    stream_end_turn(&stream);
    stream_end_turn(&stream);
    ck_assert_int_eq(recv(ends[1], &byte, 1, MSG_DONTWAIT), 0);
    ck_assert(!stream_can_send(&stream));
    ck_assert_int_eq(write(ends[1], "answer", 6), 6);
    read_some();
    ck_assert_uint_eq(n_read, 6);
}
END_TEST

START_TEST(a_pause_in_which_nothing_comes_costs_no_system_call)
{
    ck_assert_int_eq(write(ends[1], "first", 5), 5);
    read_some();
    stream_read(&stream, false);
    ck_assert(stream.watched);
    stream_read(&stream, true);
    ck_assert_int_eq(write(ends[1], "second", 6), 6);
    uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(n_read, 11);
}
END_TEST

START_TEST(what_comes_in_a_pause_is_read_after_it)
{
    ck_assert_int_eq(write(ends[1], "first", 5), 5);
    read_some();
    stream_read(&stream, false);
    ck_assert_int_eq(write(ends[1], "second", 6), 6);
    for (int i = 0; i < 3; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(n_read, 5);
    ck_assert(!stream.watched); /* or the loop would not sleep */
    read_some();
    ck_assert_uint_eq(n_read, 11);
}
END_TEST

START_TEST(a_pause_in_the_middle_of_much_stops_at_once)
{
    static char much[2 * sizeof(room)];
    ck_assert_int_eq(write(ends[1], much, sizeof(much)), (int)sizeof(much));
    pause_after_read = true;
    read_some();
    ck_assert_uint_eq(n_read, sizeof(room));
    ck_assert(!stream.watched);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("stream");
    TCase *c = tcase_create("stream");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, is_not_lost_while_it_can_write);
    tcase_add_test(c, is_lost_when_a_write_fails_and_nothing_can_be_read);
    tcase_add_test(c, what_the_peer_said_before_a_write_failed_is_read_first);
    tcase_add_test(c, end_that_waits_to_be_read_tells_more_than_the_write);
    tcase_add_test(c, ends_its_direction_with_the_turn_and_goes_on_reading);
    tcase_add_test(c, a_pause_in_which_nothing_comes_costs_no_system_call);
    tcase_add_test(c, what_comes_in_a_pause_is_read_after_it);
    tcase_add_test(c, a_pause_in_the_middle_of_much_stops_at_once);
    suite_add_tcase(s, c);
    return s;
}
