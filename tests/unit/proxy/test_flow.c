/* SPDX-License-Identifier: Apache-2.0 */
#include "flow.h"
#include "t.h"

#include <string.h>

static struct link link;
static struct flow flow;

static void set_up(void)
{
    link_init(&link, LINK_CLIENT, NULL);
    flow = flow_to(&link, NULL);
}

static void tear_down(void)
{
    link_clear(&link);
}

static const char *written(void)
{
    static char text[2048];
    struct span runs[16];
    size_t n = link_runs(&link, runs, 16), len = 0;
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_lt(len + runs[i].len, sizeof(text));
        memcpy(text + len, runs[i].ptr, runs[i].len);
        len += runs[i].len;
    }
    text[len] = '\0';
    return text;
}

static void say_head(enum http_framing framing)
{
    static const struct http_head head = {.status = 200, .phrase = {(const uint8_t *)"OK", 2}, .minor = 1};
    const struct http_outgoing out = {.head = &head, .framing = framing, .length = 5};
    ck_assert_int_eq(flow_head(&flow, &out, NULL), 0);
}

START_TEST(a_body_of_unknown_length_goes_in_chunks_and_ends_once)
{
    say_head(HTTP_CHUNKED);
    flow_data(&flow, span_from_str("hello"));
    flow_data(&flow, span_of("", 0)); /* would be the end */
    flow_data_copy(&flow, span_from_str("you"));
    flow_end(&flow, NULL, NULL);
    flow_end(&flow, NULL, NULL);
    ck_assert_ptr_nonnull(strstr(written(), "chunked\r\n\r\n5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n"));
    ck_assert_ptr_eq(strstr(written(), "\r\n0\r\n\r\n") + 7, written() + strlen(written()));
}
END_TEST

START_TEST(a_body_of_known_length_goes_as_it_is)
{
    say_head(HTTP_LENGTH);
    flow_data(&flow, span_from_str("hello"));
    flow_end(&flow, NULL, NULL);
    ck_assert_ptr_nonnull(strstr(written(), "Content-Length: 5\r\n\r\nhello"));
    ck_assert_uint_eq(flow_pending(&flow), strlen(written()));
}
END_TEST

START_TEST(a_head_that_cannot_be_written_leaves_nothing)
{
    static const struct http_head connect = {.request = true, .method = {(const uint8_t *)"CONNECT", 7}, .target = {(const uint8_t *)"a:1", 3}, .minor = 1};
    const struct http_outgoing out = {.head = &connect, .framing = HTTP_NO_BODY};
    ck_assert_int_eq(flow_head(&flow, &out, NULL), -1);
    ck_assert_uint_eq(flow_pending(&flow), 0);
}
END_TEST

START_TEST(a_flow_without_a_link_has_nothing_pending)
{
    flow = flow_to(NULL, NULL);
    ck_assert_uint_eq(flow_pending(&flow), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("flow");
    TCase *t = tcase_create("flow");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_body_of_unknown_length_goes_in_chunks_and_ends_once);
    tcase_add_test(t, a_body_of_known_length_goes_as_it_is);
    tcase_add_test(t, a_head_that_cannot_be_written_leaves_nothing);
    tcase_add_test(t, a_flow_without_a_link_has_nothing_pending);
    suite_add_tcase(s, t);
    return s;
}
