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
static const struct span word = {(const uint8_t *)"word", 4};

static void on_read(void *owner, struct span data)
{
    ck_assert_ptr_eq(owner, &stream);
    n_read += (unsigned)data.len;
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

Suite *suite(void)
{
    Suite *s = suite_create("stream");
    TCase *c = tcase_create("stream");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, is_not_lost_while_it_can_write);
    tcase_add_test(c, is_lost_when_a_write_fails_and_nothing_can_be_read);
    tcase_add_test(c, what_the_peer_said_before_a_write_failed_is_read_first);
    tcase_add_test(c, end_that_waits_to_be_read_tells_more_than_the_write);
    suite_add_tcase(s, c);
    return s;
}
