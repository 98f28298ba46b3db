/* SPDX-License-Identifier: Apache-2.0 */
/* A stream's life from end to end, in both roles. */
#include "mtlsd/http/http2.h"
#include "http2_frames.h"
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

Suite *suite(void)
{
    Suite *s = suite_create("http2");
    TCase *c = tcase_create("server");
    tcase_add_checked_fixture(c, start, end);
    tcase_add_test(c, greets_first);
    tcase_add_test(c, answers_a_request);
    suite_add_tcase(s, c);
    return s;
}
