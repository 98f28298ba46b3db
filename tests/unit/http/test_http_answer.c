/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_answer.h"
#include "t.h"

#include <string.h>

#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nCache-Control: no-store\r\n"

static const struct {
    const char *why;
    struct http_answer answer;
    const char *location, *body, *written;
} rows[] = {
    {"a refusal without words", {.status = 403, .phrase = "Forbidden"}, NULL, NULL,
     "HTTP/1.1 403 Forbidden\r\n" DATE "Content-Length: 0\r\n\r\n"},
    {"a few words", {.status = 200, .phrase = "OK"}, NULL, "hello\n",
     "HTTP/1.1 200 OK\r\n" DATE "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 6\r\n\r\nhello\n"},
    {"another type", {.status = 200, .phrase = "OK", .type = "text/html"}, NULL, "<p>",
     "HTTP/1.1 200 OK\r\n" DATE "Content-Type: text/html\r\nContent-Length: 3\r\n\r\n<p>"},
    {"the answer to HEAD", {.status = 200, .phrase = "OK", .head_only = true}, NULL, "hello\n",
     "HTTP/1.1 200 OK\r\n" DATE "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 6\r\n\r\n"},
    {"a redirect", {.status = 302, .phrase = "Found"}, "/certexpired.html", NULL,
     "HTTP/1.1 302 Found\r\n" DATE "Location: /certexpired.html\r\nContent-Length: 0\r\n\r\n"},
    {"the last answer", {.status = 404, .phrase = "Not Found", .close = true}, NULL, NULL,
     "HTTP/1.1 404 Not Found\r\n" DATE "Content-Length: 0\r\nConnection: close\r\n\r\n"},
    {"no phrase", {.status = 404}, NULL, NULL, "HTTP/1.1 404 \r\n" DATE "Content-Length: 0\r\n\r\n"},
    {"204 has no body and no length", {.status = 204, .phrase = "No Content"}, NULL, "x", "HTTP/1.1 204 No Content\r\n" DATE "\r\n"},
    {"304 has no body", {.status = 304, .phrase = "Not Modified"}, NULL, "x", "HTTP/1.1 304 Not Modified\r\n" DATE "\r\n"},
    {"a tunnel", {.status = 200, .phrase = "OK", .tunnel = true}, NULL, "x", "HTTP/1.1 200 OK\r\n" DATE "\r\n"},
};

static int write_row(struct bytes *out, struct http_answer answer, const char *location, const char *body)
{
    answer.location = span_from_str(location);
    answer.body = span_from_str(body);
    answer.now = 784111777;
    return http_answer_write(out, &answer);
}

START_TEST(writes_whole_answers)
{
    struct bytes out;
    bytes_init(&out, 4096);
    ck_assert_int_eq(write_row(&out, rows[_i].answer, rows[_i].location, rows[_i].body), 0);
    ck_assert_msg(span_equals_str(bytes_span(&out), rows[_i].written), "%s:\n%.*s", rows[_i].why, (int)out.len,
                  (const char *)bytes_span(&out).ptr);
    bytes_clear(&out);
}
END_TEST

START_TEST(C3_writes_nothing_that_would_end_a_line)
{
    static const char *const locations[] = {"/a\r\nX: y", "/a\nb", "/\x7f", "/a\tb"};
    struct bytes out;
    bytes_init(&out, 4096);
    for (size_t i = 0; i < sizeof(locations) / sizeof(locations[0]); i++)
        ck_assert_int_eq(write_row(&out, (struct http_answer){.status = 302}, locations[i], NULL), -1);
    ck_assert_int_eq(write_row(&out, (struct http_answer){.status = 403, .phrase = "a\nb"}, NULL, NULL), -1);
    ck_assert_uint_eq(out.len, 0);
    bytes_clear(&out);
}
END_TEST

START_TEST(writes_all_or_nothing)
{
    size_t whole = strlen(rows[1].written);
    for (size_t max = 1; max <= whole; max++) {
        struct bytes out;
        bytes_init(&out, max);
        int rc = write_row(&out, rows[1].answer, NULL, rows[1].body);
        ck_assert_int_eq(rc, max < whole ? -1 : 0);
        ck_assert_uint_eq(out.len, max < whole ? 0 : whole);
        bytes_clear(&out);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_answer");
    TCase *tc = tcase_create("answers");
    tcase_add_loop_test(tc, writes_whole_answers, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tc, C3_writes_nothing_that_would_end_a_line);
    tcase_add_test(tc, writes_all_or_nothing);
    suite_add_tcase(s, tc);
    return s;
}
