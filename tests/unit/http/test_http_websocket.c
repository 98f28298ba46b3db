/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_websocket.h"
#include "t.h"

#include <string.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

START_TEST(a_key_is_answered_as_in_the_standard) /* RFC 6455 section 1.3 */
{
    char accept[HTTP_WEBSOCKET_ACCEPT_SIZE];
    ck_assert_int_eq(http_websocket_write_accept(span_from_str(KEY), accept), 0);
    ck_assert_str_eq(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    ck_assert_int_eq(http_websocket_write_accept(span_from_str("short"), accept), -1);
    ck_assert_int_eq(http_websocket_write_accept(span_of(NULL, 0), accept), -1);
}
END_TEST

START_TEST(a_key_of_ours_is_one)
{
    char key[HTTP_WEBSOCKET_KEY_SIZE], other[HTTP_WEBSOCKET_KEY_SIZE];
    ck_assert_int_eq(http_websocket_write_key(1, 2, key), 0);
    ck_assert_int_eq(http_websocket_write_key(1, 3, other), 0);
    ck_assert_str_ne(key, other);
    struct http_field f = {span_from_str("sec-websocket-key"), span_from_str(key)};
    struct http_head head = {.request = true, .fields = &f, .n_fields = 1};
    ck_assert(span_equals_str(http_websocket_key(&head), key));
}
END_TEST

static const struct {
    const char *first, *second, *why;
} odd[] = {
    {NULL, NULL, "none"},
    {"", NULL, "empty"},
    {KEY, KEY, "two"},
    {"dGhlIHNhbXBsZSBub25jZQ=", NULL, "too short"},
    {"dGhlIHNhbXBsZSBub25jZQ===", NULL, "too long"},
    {"dGhlIHNhbXBsZSBub25jZQ=a", NULL, "a digit behind the end"},
    {"dGhlIHNhbXBsZSBub25jZQ a", NULL, "a space"},
    {"dGhlIHNhbXBsZSBub25jZQxx", NULL, "18 bytes"},
};

START_TEST(an_odd_key_is_none)
{
    struct http_field fields[] = {{span_from_str("Sec-WebSocket-Key"), span_from_str(odd[_i].first)},
                                  {span_from_str("Sec-WebSocket-Key"), span_from_str(odd[_i].second)}};
    struct http_head head = {.request = true, .fields = fields, .n_fields = odd[_i].first == NULL ? 0 : odd[_i].second == NULL ? 1 : 2};
    ck_assert_msg(http_websocket_key(&head).len == 0, "%s", odd[_i].why);
}
END_TEST

START_TEST(only_one_right_answer_is_accepted)
{
    static const struct {
        const char *first, *second;
        bool accepted;
    } rows[] = {{"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", NULL, true},
                {"s3pPLMBiTxaQ9kYGzzhZRbK+xOO=", NULL, false},
                {"S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", NULL, false},
                {"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", false},
                {NULL, NULL, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_field fields[] = {{span_from_str("SEC-WebSocket-Accept"), span_from_str(rows[i].first)},
                                      {span_from_str("sec-websocket-accept"), span_from_str(rows[i].second)}};
        struct http_head head = {.status = 101, .fields = fields, .n_fields = rows[i].first == NULL ? 0 : rows[i].second == NULL ? 1 : 2};
        ck_assert_msg(http_websocket_accepts(&head, span_from_str(KEY)) == rows[i].accepted, "%zu", i);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_websocket");
    TCase *c = tcase_create("key");
    tcase_add_test(c, a_key_is_answered_as_in_the_standard);
    tcase_add_test(c, a_key_of_ours_is_one);
    tcase_add_loop_test(c, an_odd_key_is_none, 0, sizeof(odd) / sizeof(odd[0]));
    tcase_add_test(c, only_one_right_answer_is_accepted);
    suite_add_tcase(s, c);
    return s;
}
