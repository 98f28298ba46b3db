/* SPDX-License-Identifier: Apache-2.0 */
#include "answers.h"
#include "t.h"

#include <string.h>

static struct bytes out;

static const char *text(void)
{
    bytes_append(&out, "", 1);
    return (const char *)bytes_span(&out).ptr;
}

START_TEST(an_answer_says_its_length_and_closes)
{
    struct bytes body;
    bytes_init(&out, 1 << 16);
    bytes_init(&body, 1 << 10);
    bytes_append_str(&body, "hello");
    ck_assert_int_eq(answers_body(&out, 200, "text/plain", "X-A: b\r\n", &body, 0), 0);
    ck_assert_ptr_nonnull(strstr(text(), "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"));
    ck_assert_ptr_nonnull(strstr(text(), "X-A: b\r\nConnection: close\r\n\r\nhello"));
    ck_assert_uint_eq(body.len, 0);
    bytes_clear(&out);
}
END_TEST

START_TEST(a_word_is_json)
{
    bytes_init(&out, 1 << 16);
    ck_assert_int_eq(answers_word(&out, 403, "refused", "because \"x\""), 0);
    ck_assert_ptr_nonnull(strstr(text(), "403 Forbidden"));
    ck_assert_ptr_nonnull(strstr(text(), "\"detail\": \"because \\\"x\\\"\""));
    bytes_clear(&out);
}
END_TEST

START_TEST(a_body_that_could_not_be_made_is_no_answer)
{
    struct bytes body;
    bytes_init(&out, 1 << 16);
    bytes_init(&body, 1 << 10);
    ck_assert_int_eq(answers_body(&out, 200, "text/plain", "", &body, -1), -1);
    ck_assert_uint_eq(out.len, 0);
    ck_assert_int_eq(answers_done(-1), ADMIN_FAILED);
    ck_assert_int_eq(answers_done(0), ADMIN_ANSWERED);
    bytes_clear(&out);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("answers");
    TCase *t = tcase_create("answers");
    tcase_add_test(t, an_answer_says_its_length_and_closes);
    tcase_add_test(t, a_word_is_json);
    tcase_add_test(t, a_body_that_could_not_be_made_is_no_answer);
    suite_add_tcase(s, t);
    return s;
}
