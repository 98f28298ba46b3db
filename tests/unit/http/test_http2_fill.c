/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: turns, windows, ends and what is borrowed. */
#include "http2_frames.h"
#include "http2_talk.h"
#include "http2_limits.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct http2_talk t;
static uint8_t big[300000];

/* Requests on so many streams, each answered with a head. */
static void start_with(unsigned n, const char *settings)
{
    char line[256];
    http2_talk_start(&t, HTTP2_SERVER, NULL);
    http2_talk_script(&t, "PRI");
    http2_talk_script(&t, settings);
    for (unsigned i = 0; i < n; i++) {
        snprintf(line, sizeof(line), "H%ue " HTTP2_GET, 2 * i + 1);
        http2_talk_script(&t, line);
        ck_assert_int_eq(http2_talk_respond(&t, 2 * i + 1, "200", HTTP_CHUNKED, 0), 0);
    }
    http2_talk_sent(&t);
    memset(big, 'x', sizeof(big));
}

static void end(void)
{
    http2_talk_end(&t);
}

static struct http2_stream *stream(uint32_t id)
{
    return http2_talk_stream(&t, id);
}

static void write_body(uint32_t id, struct span body, bool last)
{
    ck_assert_int_eq(http2_write(t.h, stream(id), body), 0);
    if (last)
        ck_assert_int_eq(http2_write_end(t.h, stream(id), NULL, NULL), 0);
}

/* The lengths of what is sent, as "1:16384 3:16384". */
static const char *lengths(void)
{
    static char text[4096];
    size_t n = 0;
    text[0] = '\0';
    for (const char *line = http2_talk_sent(&t); *line == 'D' && n < sizeof(text) - 32;) {
        const char *space = strpbrk(line, " \n"), *eol = strchr(line, '\n');
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s:%d", n > 0 ? " " : "", (int)(space - line) - 1, line + 1, (int)(eol - space) - (eol > space));
        line = eol + 1;
    }
    return text;
}

START_TEST(streams_take_turns)
{
    start_with(3, "S 4=300000");
    for (uint32_t id = 1; id < 6; id += 2)
        write_body(id, span_of(big, id == 3 ? 5 : 20000), true);
    ck_assert_str_eq(lengths(), "1:16384 3e:5 5:16384 1e:3616 5e:3616");
    end();
}
END_TEST

START_TEST(a_stream_waits_for_its_own_window)
{
    start_with(2, "S 4=3");
    write_body(1, span_from_str("abcdef"), true);
    write_body(3, span_from_str("xy"), true);
    ck_assert(http2_wants_fill(t.h));
    ck_assert_str_eq(http2_talk_sent(&t), "D1 abc\nD3e xy\n");
    ck_assert(!http2_wants_fill(t.h));
    ck_assert_uint_eq(http2_pending(stream(1)), 3);
    http2_talk_script(&t, "W1 1");
    ck_assert_str_eq(http2_talk_sent(&t), "D1 d\n");
    http2_talk_script(&t, "S 4=4"); /* one more for all */
    ck_assert_str_eq(http2_talk_sent(&t), "SA\nD1 e\n");
    http2_talk_script(&t, "S 4=0\nW1 4\nW1 1"); /* below nothing, and up again */
    ck_assert_str_eq(http2_talk_sent(&t), "SA\nD1e f\n");
    end();
}
END_TEST

START_TEST(streams_wait_for_the_connections_window)
{
    start_with(2, "S 4=100000");
    write_body(1, span_of(big, 60000), true);
    write_body(3, span_of(big, 10000), false);
    ck_assert_str_eq(lengths(), "1:16384 3:10000 1:16384 1:16384 1:6383");
    ck_assert(!http2_wants_fill(t.h));
    ck_assert_int_eq(http2_write_end(t.h, stream(3), NULL, NULL), 0);
    ck_assert_str_eq(lengths(), "3e:0"); /* an end needs no window */
    http2_talk_script(&t, "W0 5000");
    ck_assert_str_eq(lengths(), "1e:4465");
    end();
}
END_TEST

START_TEST(trailers_follow_the_body)
{
    struct http_field fields[] = {{span_from_str("Grpc-Status"), span_from_str("0")}, {span_from_str("Content-Length"), span_from_str("3")}};
    struct http_head trailers = {.fields = fields, .n_fields = 2};
    start_with(1, "S 4=3");
    write_body(1, span_from_str("abcd"), false);
    ck_assert_int_eq(http2_write_end(t.h, stream(1), &trailers, NULL), 0);
    ck_assert_str_eq(http2_talk_sent(&t), "D1 abc\n");
    http2_talk_script(&t, "W1 5");
    ck_assert_str_eq(http2_talk_sent(&t), "D1 d\nH1e grpc-status=0\n");
    ck_assert(!http2_is_open(stream(1)));
    end();
}
END_TEST

START_TEST(what_was_borrowed_is_kept_at_the_end_of_the_turn)
{
    char body[] = "abcdef";
    start_with(1, "S 4=0");
    write_body(1, span_of(body, 3), false);
    write_body(1, span_of(body + 3, 3), false);
    ck_assert_int_eq(http2_settle(t.h), 0);
    memset(body, '-', 6);
    http2_talk_script(&t, "W1 6");
    ck_assert_str_eq(http2_talk_sent(&t), "SA\nD1 abcdef\n" + 3);
    end();
}
END_TEST

START_TEST(a_full_stream_is_told_when_it_can_be_written_again)
{
    start_with(2, "S 4=300000");
    write_body(1, span_of(big, 60000), false);
    http2_talk_sent(&t);
    ck_assert_ptr_eq(http2_next_writable(t.h), stream(1));
    ck_assert_ptr_null(http2_next_writable(t.h));
    http2_talk_script(&t, "W0 65535");
    write_body(3, span_of(big, 100000), false);
    http2_talk_sent(&t);
    ck_assert_ptr_null(http2_next_writable(t.h)); /* the connection's window is used up */
    http2_talk_script(&t, "W0 30000");
    http2_talk_sent(&t);
    ck_assert_ptr_eq(http2_next_writable(t.h), stream(3));
    ck_assert_uint_lt(http2_pending(stream(3)), HTTP2_LOW);
    end();
}
END_TEST

START_TEST(a_client_is_stopped_when_the_whole_answer_has_left)
{
    start_with(1, "S 4=3");
    http2_talk_script(&t, "H3 :method=POST|:scheme=https|:authority=a|:path=/");
    ck_assert_int_eq(http2_talk_respond(&t, 3, "413", HTTP_CHUNKED, 0), 0);
    write_body(3, span_from_str("too much"), true);
    http2_release(t.h, stream(3));
    ck_assert_str_eq(http2_talk_sent(&t), "H3 :status=413\nD3 too\n");
    http2_talk_script(&t, "D3 abc\nW3 9"); /* dropped, but its window comes back in time */
    ck_assert_str_eq(http2_talk_sent(&t), "D3e  much\n");
    http2_reset_resting(t.h, http2_resting_us(t.h));
    ck_assert_str_eq(http2_talk_sent(&t), "R3 0\n");
    ck_assert_uint_eq(http2_streams(t.h), 1);
    end();
}
END_TEST

START_TEST(nothing_of_a_reset_stream_is_sent)
{
    start_with(2, "S 4=300000");
    write_body(1, span_of(big, 100), true);
    write_body(3, span_of(big, 4), true);
    http2_reset(t.h, stream(1), HTTP2_CANCEL);
    ck_assert_str_eq(http2_talk_sent(&t), "R1 8\nD3e xxxx\n");
    ck_assert_int_eq(http2_write(t.h, stream(1), span_of(big, 10)), 0); /* dropped */
    ck_assert(!http2_wants_fill(t.h));
    end();
}
END_TEST

START_TEST(no_more_than_the_mark_at_a_time)
{
    start_with(1, "S 4=300000");
    write_body(1, span_of(big, 60000), true);
    ck_assert_int_eq(http2_fill(t.h, &t.out, 20000), 0);
    ck_assert_uint_eq(t.out.total, 2 * (16384 + 9));
    ck_assert_int_eq(http2_fill(t.h, &t.out, 20000), 0);
    ck_assert_uint_eq(t.out.total, 2 * (16384 + 9));
    end();
}
END_TEST

/* C6: no deadline of a request covers what is left of its answer. */
START_TEST(a_released_stream_that_gets_no_window_is_known_and_reset)
{
    start_with(3, "S 4=3");
    ck_assert_uint_eq(http2_stalled_us(t.h), UINT64_MAX);
    for (uint32_t id = 1; id < 6; id += 2) {
        http2_set_now(t.h, 1000 * id);
        write_body(id, span_from_str(id < 5 ? "abcdef" : "abc"), true);
        http2_release(t.h, stream(id));
        t.streams[id / 2] = NULL;
    }
    ck_assert_uint_eq(http2_stalled_us(t.h), UINT64_MAX); /* there are windows */
    http2_set_now(t.h, 6000);
    ck_assert_str_eq(http2_talk_sent(&t), "D1 abc\nD3 abc\nD5e abc\n");
    ck_assert_uint_eq(http2_stalled_us(t.h), 6000);
    http2_set_now(t.h, 7000);
    http2_talk_script(&t, "W3 1");
    ck_assert_str_eq(http2_talk_sent(&t), "D3 d\n");
    ck_assert_uint_eq(http2_reset_stalled(t.h, 5999), 0);
    ck_assert_uint_eq(http2_reset_stalled(t.h, 6000), 1);
    ck_assert_str_eq(http2_talk_sent(&t), "R1 8\n");
    ck_assert_uint_eq(http2_stalled_us(t.h), 7000);
    http2_talk_script(&t, "W3 2");
    ck_assert_str_eq(http2_talk_sent(&t), "D3e ef\n");
    ck_assert_uint_eq(http2_stalled_us(t.h), UINT64_MAX);
    ck_assert_uint_eq(http2_streams(t.h), 0);
    end();
}
END_TEST

/* C7: a slow peer has its own window open, or has not been sent everything yet. */
START_TEST(a_stream_stalls_only_by_windows_that_stay_shut)
{
    start_with(2, "S 4=70000");
    http2_set_now(t.h, 1000);
    write_body(1, span_of(big, 65535), false);
    write_body(3, span_of(big, 70000), false);
    ck_assert_uint_eq(http2_shut_us(t.h, stream(1)), UINT64_MAX); /* it may leave */
    http2_talk_sent(&t);
    http2_set_now(t.h, 5000);
    ck_assert_uint_eq(http2_shut_us(t.h, stream(1)), 1000); /* by the connection's */
    http2_talk_script(&t, "W0 1");
    http2_talk_sent(&t);
    ck_assert_uint_eq(http2_shut_us(t.h, stream(1)), 5000);
    ck_assert_uint_eq(http2_shut_us(t.h, stream(3)), 5000); /* whichever it was that had its turn */
    http2_set_now(t.h, 6000);
    http2_talk_script(&t, "W0 200000");
    http2_talk_sent(&t);
    write_body(3, span_of(big, 1), false);
    http2_talk_sent(&t);
    http2_set_now(t.h, 7000);
    ck_assert_uint_eq(http2_shut_us(t.h, stream(1)), UINT64_MAX); /* nothing waits */
    ck_assert_uint_eq(http2_shut_us(t.h, stream(3)), 6000);
    http2_talk_script(&t, "W0 200000"); /* of no use to it */
    ck_assert_uint_eq(http2_shut_us(t.h, stream(3)), 6000);
    http2_note_unsent(t.h);
    ck_assert_uint_eq(http2_shut_us(t.h, stream(3)), 7000);
    end();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http2_fill");
    TCase *c = tcase_create("all");
    tcase_add_test(c, streams_take_turns);
    tcase_add_test(c, a_stream_waits_for_its_own_window);
    tcase_add_test(c, streams_wait_for_the_connections_window);
    tcase_add_test(c, trailers_follow_the_body);
    tcase_add_test(c, what_was_borrowed_is_kept_at_the_end_of_the_turn);
    tcase_add_test(c, a_full_stream_is_told_when_it_can_be_written_again);
    tcase_add_test(c, a_client_is_stopped_when_the_whole_answer_has_left);
    tcase_add_test(c, nothing_of_a_reset_stream_is_sent);
    tcase_add_test(c, no_more_than_the_mark_at_a_time);
    tcase_add_test(c, a_released_stream_that_gets_no_window_is_known_and_reset);
    tcase_add_test(c, a_stream_stalls_only_by_windows_that_stay_shut);
    suite_add_tcase(s, c);
    return s;
}
