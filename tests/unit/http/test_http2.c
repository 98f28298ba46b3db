/* SPDX-License-Identifier: Apache-2.0 */
/* A stream's life from end to end, in both roles. */
#include "mtlsd/http/http2.h"
#include "http2_frames.h"
#include "http2_pair.h"
#include "http2_talk.h"
#include "t.h"

#include <string.h>

static struct http2_talk t;

static void start(void)
{
    http2_talk_start(&t, HTTP2_SERVER, NULL);
}

static void end(void)
{
    http2_talk_end(&t);
}

START_TEST(greets_first)
{
    ck_assert_str_eq(http2_talk_sent(&t), "S 4=262144,6=4096,3=100,9=1\nW0 983041\n");
    http2_talk_script(&t, "PRI\nS 1=8192,99=7\n");
    ck_assert(http2_is_greeted(t.h) && http2_is_idle(t.h));
    ck_assert_str_eq(http2_talk_sent(&t), "SA\n");
}
END_TEST

START_TEST(answers_a_request)
{
    http2_talk_script(&t, HTTP2_START "H1e " HTTP2_GET "|accept=*/*\n");
    ck_assert_str_eq(http2_talk_said(&t), "HEAD1 GET / none host=a|accept=*/*\nEND1\n");
    http2_talk_sent(&t);
    ck_assert_int_eq(http2_talk_respond(&t, 1, "200|Server=x|Connection=x-a|X-A=1|Keep-Alive=timeout=5", HTTP_LENGTH, 5), 0);
    ck_assert_int_eq(http2_write(t.h, http2_talk_stream(&t, 1), span_from_str("hello")), 0);
    ck_assert_int_eq(http2_write_end(t.h, http2_talk_stream(&t, 1), NULL, NULL), 0);
    ck_assert_str_eq(http2_talk_sent(&t), "H1 :status=200|server=x|content-length=5\nD1e hello\n");
    ck_assert(http2_is_idle(t.h));
    http2_release(t.h, http2_talk_stream(&t, 1));
}
END_TEST

/* What a caller does within the event of the head. */
static const struct {
    const char *why;
    bool reset, release, answer;
    enum http2_kind next;
} at_head[] = {
    {"nothing", false, false, false, HTTP2_END},
    {"it answers", false, false, true, HTTP2_END},
    {"it resets", true, false, false, HTTP2_MORE},
    {"it resets and releases", true, true, false, HTTP2_MORE},
    {"it answers and releases", false, true, true, HTTP2_MORE},
    {"it releases", false, true, false, HTTP2_MORE},
};

START_TEST(the_end_of_a_request_is_told_to_a_caller_that_wants_to_hear_it)
{
    struct bytes bytes;
    struct http2_event e;
    struct http_head head = {.minor = 1, .status = 204};
    bytes_init(&bytes, 1000);
    http2_talk_script(&t, HTTP2_START);
    http2_frames(&bytes, "H1e " HTTP2_GET);
    struct span in = bytes_span(&bytes);
    ck_assert_int_eq(http2_next(t.h, &in, &e), HTTP2_HEAD);
    struct http2_stream *s = e.stream;
    if (at_head[_i].answer)
        ck_assert_int_eq(http2_respond(t.h, s, &(struct http_outgoing){.head = &head, .framing = HTTP_NO_BODY}), 0);
    if (at_head[_i].reset)
        http2_reset(t.h, s, HTTP2_CANCEL);
    if (at_head[_i].release)
        http2_release(t.h, s);
    enum http2_kind kind = http2_next(t.h, &in, &e);
    ck_assert_msg(kind == at_head[_i].next && (kind != HTTP2_END || e.stream == s), "%s: %d", at_head[_i].why, (int)kind);
    ck_assert_int_eq(http2_next(t.h, &in, &e), HTTP2_MORE);
    ck_assert_uint_eq(http2_streams(t.h), _i == 0 ? 1 : 0);
    bytes_clear(&bytes);
}
END_TEST

/* ---- both roles with one another ---- */

static const struct http2_pair_order orders[] = {
    {.requests = 1, .step = 1, .mark = 65536},
    {.requests = 20, .body = 1, .step = 7, .mark = 65536},
    {.requests = 64, .body = 5000, .step = 1000, .mark = 65536},
    {.requests = 5, .body = 400000, .step = 65536, .mark = 65536}, /* over every window */
    {.requests = 3, .body = 400000, .step = 1, .mark = 1},
    {.requests = 3, .body = 70000, .step = 3000, .mark = 30000, .shut = true},
};

START_TEST(requests_come_back_whole)
{
    ck_assert(http2_pair_run(&orders[_i]));
}
END_TEST

START_TEST(nothing_is_left_behind)
{
    http2_talk_script(&t, HTTP2_START "H1 :method=POST|:scheme=https|:authority=a|:path=/\nD1 abc\nH3e- " HTTP2_GET);
    ck_assert(!http2_is_idle(t.h));
    http2_free(t.h); /* with open streams and half a block */
    t.h = http2_new(HTTP2_CLIENT, &(struct http2_limits){.max_head_bytes = 1000, .max_fields = 10});
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http2");
    TCase *c = tcase_create("server");
    tcase_add_checked_fixture(c, start, end);
    tcase_add_test(c, greets_first);
    tcase_add_test(c, answers_a_request);
    tcase_add_test(c, nothing_is_left_behind);
    tcase_add_loop_test(c, the_end_of_a_request_is_told_to_a_caller_that_wants_to_hear_it, 0, 6);
    suite_add_tcase(s, c);
    c = tcase_create("both");
    tcase_add_loop_test(c, requests_come_back_whole, 0, sizeof(orders) / sizeof(orders[0]));
    suite_add_tcase(s, c);
    return s;
}
