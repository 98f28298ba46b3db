/* SPDX-License-Identifier: Apache-2.0 */
/* The windows that we give: what is passed on comes back, whatever became of the stream. What is read of DATA is in test_http2_read.c. */
#include "http2_frames.h"
#include "http2_internal.h"
#include "http2_talk.h"
#include "t.h"

#include <string.h>

static struct http2_talk t;

static void start(void)
{
    http2_talk_start(&t, HTTP2_SERVER, NULL);
    http2_talk_script(&t, HTTP2_START "H1 :method=POST|:scheme=https|:authority=a|:path=/");
    http2_talk_sent(&t);
    http2_talk_said(&t);
}

static void end(void)
{
    http2_talk_end(&t);
}

static void data(uint32_t id, size_t n, unsigned flags, size_t padding)
{
    static uint8_t payload[HTTP2_FRAME_BYTES];
    struct bytes bytes;
    bytes_init(&bytes, 1 << 20);
    payload[0] = (uint8_t)padding;
    http2_frame(&bytes, HTTP2_TYPE_DATA, flags | (padding > 0 ? 8U : 0), id, span_of(payload, n + (padding > 0 ? padding + 1 : 0)));
    http2_talk_read(&t, bytes_span(&bytes), 1000);
    bytes_clear(&bytes);
}

/* All that was given is either still open, or waits to be given back, or was delivered and not consumed. */
static void expect_balance(uint64_t unread)
{
    ck_assert_int_eq(t.h->given + t.h->credit + (int64_t)unread, HTTP2_CONNECTION_WINDOW);
}

START_TEST(gives_back_what_was_consumed)
{
    t.keep_unread = true;
    for (int i = 0; i < 8; i++)
        data(1, 16384, 0, 0);
    expect_balance(8 * 16384);
    http2_consumed(t.h, http2_talk_stream(&t, 1), 7 * 16384);
    ck_assert_str_eq(http2_talk_sent(&t), ""); /* not for each frame */
    http2_consumed(t.h, http2_talk_stream(&t, 1), 16384);
    ck_assert_str_eq(http2_talk_sent(&t), "W1 131072\n");
    expect_balance(0);
}
END_TEST

START_TEST(gives_back_padding_at_once)
{
    t.keep_unread = true;
    data(1, 10, 0, 200);
    expect_balance(10);
    ck_assert_int_eq(http2_talk_stream(&t, 1)->given + (int32_t)http2_talk_stream(&t, 1)->credit, HTTP2_STREAM_WINDOW - 10);
    data(1, 0, 0, 255);
    expect_balance(10);
}
END_TEST

START_TEST(gives_back_what_a_released_stream_had)
{
    t.keep_unread = true;
    data(1, 5000, 0, 0);
    http2_release(t.h, http2_talk_stream(&t, 1));
    expect_balance(0);
    data(1, 700, 0, 3); /* it was on its way */
    expect_balance(0);
    ck_assert_str_eq(http2_talk_sent(&t), "R1 2\n");
}
END_TEST

START_TEST(gives_back_what_is_refused)
{
    http2_talk_script(&t, "H3 :method=POST|:scheme=https|:authority=a|:path=/|content-length=3");
    data(3, 5, 0, 0);
    ck_assert_ptr_nonnull(strstr(http2_talk_said(&t), "REFUSED3 1 more DATA than content-length says\n"));
    expect_balance(0);
    data(3, 5, 0, 9);
    expect_balance(0);
}
END_TEST

/* With its frame half read. */
START_TEST(gives_back_what_comes_after_a_reset_in_the_frame)
{
    for (int padded = 0; padded < 2; padded++) {
        struct bytes bytes;
        bytes_init(&bytes, 1000);
        http2_frames(&bytes, padded ? "D3p abcdef" : "D1 abcdef");
        if (padded)
            http2_talk_script(&t, "H3 :method=POST|:scheme=https|:authority=a|:path=/");
        uint32_t id = padded ? 3 : 1;
        http2_talk_read(&t, span_of(bytes_span(&bytes).ptr, padded ? 9 : 11), 100);
        http2_reset(t.h, http2_talk_stream(&t, id), HTTP2_CANCEL);
        http2_talk_read(&t, span_skip(bytes_span(&bytes), padded ? 9 : 11), 1);
        expect_balance(0);
        bytes_clear(&bytes);
    }
    ck_assert(!t.bad);
    http2_talk_script(&t, "H5e " HTTP2_GET);
    ck_assert_ptr_nonnull(strstr(http2_talk_said(&t), "HEAD5"));
}
END_TEST

START_TEST(a_stream_that_is_answered_before_its_end_is_read_no_more)
{
    ck_assert_int_eq(http2_talk_respond(&t, 1, "413", HTTP_NO_BODY, 0), 0);
    data(1, 100, 0, 0);
    ck_assert_ptr_nonnull(strstr(http2_talk_said(&t), "DATA1"));
    http2_set_now(t.h, 1000);
    http2_release(t.h, http2_talk_stream(&t, 1));
    ck_assert_str_eq(http2_talk_sent(&t), "H1e :status=413\n");
    ck_assert_uint_eq(http2_resting_us(t.h), 1000);
    data(1, 100, 0, 0);
    http2_reset_resting(t.h, 999);
    ck_assert_str_eq(http2_talk_said(&t), "");
    ck_assert_uint_eq(http2_streams(t.h), 1);
    http2_reset_resting(t.h, 1000);
    ck_assert_str_eq(http2_talk_sent(&t), "R1 0\n"); /* no error: the answer counts (RFC 9113 section 8.1) */
    ck_assert_uint_eq(http2_resting_us(t.h), UINT64_MAX);
    data(1, 100, 1, 0);
    expect_balance(0);
    ck_assert(!t.bad);
}
END_TEST

/* curl 7.88 loses an answer that a reset follows. */
START_TEST(a_stream_that_is_answered_before_its_end_may_end_by_itself)
{
    ck_assert_int_eq(http2_talk_respond(&t, 1, "413", HTTP_NO_BODY, 0), 0);
    http2_release(t.h, http2_talk_stream(&t, 1));
    data(1, 100, 0, 0);
    data(1, 100, 1, 0);
    ck_assert_str_eq(http2_talk_sent(&t), "H1e :status=413\n");
    ck_assert_uint_eq(http2_streams(t.h), 0);
    ck_assert_uint_eq(http2_resting_us(t.h), UINT64_MAX);
    expect_balance(0);
    ck_assert(!t.bad);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http2_data");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, start, end);
    tcase_add_test(c, gives_back_what_was_consumed);
    tcase_add_test(c, gives_back_padding_at_once);
    tcase_add_test(c, gives_back_what_a_released_stream_had);
    tcase_add_test(c, gives_back_what_is_refused);
    tcase_add_test(c, gives_back_what_comes_after_a_reset_in_the_frame);
    tcase_add_test(c, a_stream_that_is_answered_before_its_end_is_read_no_more);
    tcase_add_test(c, a_stream_that_is_answered_before_its_end_may_end_by_itself);
    suite_add_tcase(s, c);
    return s;
}
