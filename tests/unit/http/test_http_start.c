/* SPDX-License-Identifier: Apache-2.0 */
/* Row C3: first lines. Raw messages stand in test_http1.c; here is what a good line yields, and that every
 * shorter one is refused. */
#include "http_start.h"
#include "t.h"

#include <string.h>

START_TEST(reads_a_request_line)
{
    struct http_head h = {.request = true};
    ck_assert_ptr_null(http_start_read_request(&h, span_from_str("PATCH /a?b HTTP/1.0")));
    ck_assert(span_equals_str(h.method, "PATCH"));
    ck_assert(span_equals_str(h.target, "/a?b"));
    ck_assert_uint_eq(h.minor, 0);
}
END_TEST

START_TEST(reads_a_status_line)
{
    struct http_head h = {.request = false};
    ck_assert_ptr_null(http_start_read_response(&h, span_from_str("HTTP/1.1 404 Not Found\t\303\244")));
    ck_assert_uint_eq(h.minor, 1);
    ck_assert_uint_eq(h.status, 404);
    ck_assert(span_equals_str(h.phrase, "Not Found\t\303\244"));
    ck_assert_ptr_null(http_start_read_response(&h, span_from_str("HTTP/1.0 599")));
    ck_assert_uint_eq(h.phrase.len, 0);
}
END_TEST

START_TEST(C3_refuses_every_beginning_of_a_line)
{
    static const char request[] = "GET / HTTP/1.1", response[] = "HTTP/1.1 200";
    for (size_t n = 0; n < strlen(request); n++)
        ck_assert_msg(http_start_read_request(&(struct http_head){0}, span_of(request, n)) != NULL,
                      "%zu bytes", n);
    for (size_t n = 0; n < strlen(response); n++)
        ck_assert_msg(http_start_read_response(&(struct http_head){0}, span_of(response, n)) != NULL,
                      "%zu bytes", n);
}
END_TEST

/* One byte replaced by any other: no line but those of the two versions is read, and nothing is read past its
 * end. */
START_TEST(C3_refuses_other_versions_and_statuses)
{
    for (size_t at = 0; at < 12; at++)
        for (int c = 0; c < 256; c++) {
            char line[] = "HTTP/1.1 200";
            line[at] = (char)c;
            bool fine = strcmp(line, "HTTP/1.1 200") == 0 || (at == 7 && c == '0') ||
                        (at == 9 && c >= '1' && c <= '5') || (at > 9 && c >= '0' && c <= '9');
            bool read = http_start_read_response(&(struct http_head){0}, span_of(line, 12)) == NULL;
            ck_assert_msg(read == fine, "%02x at %zu", (unsigned)c, at);
        }
}
END_TEST

START_TEST(C3_refuses_other_protocols_and_shapes_of_requests)
{
    static const char *const lines[] = {
        "GET / HTTP/1.2", "GET / HTTP/2.0",    "GET / HTTP/0.9",  "GET / HTTP/1.9",  "GET / RTSP/1.0",
        "GET / http/1.1", "GET / HTTP/1.1 ",   "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET HTTP/1.1",
        " / HTTP/1.1",    "GET /a b HTTP/1.1", "GET / HTTP/1.",   "GET / HTTP/1:1",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        ck_assert_msg(http_start_read_request(&(struct http_head){0}, span_from_str(lines[i])) != NULL, "%s",
                      lines[i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_start");
    TCase *tc = tcase_create("first lines");
    tcase_add_test(tc, reads_a_request_line);
    tcase_add_test(tc, reads_a_status_line);
    tcase_add_test(tc, C3_refuses_every_beginning_of_a_line);
    tcase_add_test(tc, C3_refuses_other_versions_and_statuses);
    tcase_add_test(tc, C3_refuses_other_protocols_and_shapes_of_requests);
    suite_add_tcase(s, tc);
    return s;
}
