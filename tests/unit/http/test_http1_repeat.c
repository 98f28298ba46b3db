/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http1_repeat.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct http1_repeat r;

static struct span part(const char *text, const char *of)
{
    const char *at = strstr(text, of);
    ck_assert_ptr_nonnull(at);
    return span_of(at, strlen(of));
}

/* As if it were parsed: a status line and one field with a value. */
static void keep(const char *text, const char *name, const char *value, bool no_body)
{
    struct http_field field = {part(text, name), part(text, value)};
    struct http_head head = {.minor = 1, .status = 200, .phrase = part(text, "OK"), .fields = &field, .n_fields = 1, .framing = HTTP_LENGTH, .length = 5};
    http1_repeat_keep(&r, span_from_str(text), &head, no_body);
}

static const struct http_head *find(const char *text, bool no_body)
{
    return http1_repeat_find(&r, span_from_str(text), no_body, 4096, 32);
}

static const char text[] = "HTTP/1.1 200 OK\r\nServer: some\r\n\r\n";

static void keep_twice(void)
{
    keep(text, "Server", "some", false);
    keep(text, "Server", "some", false);
}

START_TEST(knows_a_head_that_came_twice)
{
    ck_assert_ptr_null(find(text, false));
    keep(text, "Server", "some", false);
    ck_assert_ptr_null(find(text, false));
    keep(text, "Server", "some", false);
    const struct http_head *head = find("HTTP/1.1 200 OK\r\nServer: some\r\n\r\nand its body", false);
    ck_assert_ptr_nonnull(head);
    ck_assert_uint_eq(head->status, 200);
    ck_assert_uint_eq(head->length, 5);
    ck_assert(span_equals_str(head->phrase, "OK"));
    ck_assert(head->n_fields == 1 && span_equals_str(head->fields[0].name, "Server") && span_equals_str(head->fields[0].value, "some"));
    ck_assert_ptr_eq(head->fields, r.fields); /* it points to nothing of the reader's */
    ck_assert(head->fields[0].name.ptr > r.bytes && head->fields[0].value.ptr < r.bytes + sizeof(r.bytes));
}
END_TEST

START_TEST(keeps_an_empty_value_apart_from_none)
{
    for (int i = 0; i < 2; i++) {
        struct http_field fields[] = {{part(text, "Server"), span_of(text + 20, 0)}, {part(text, "some"), span_of(NULL, 0)}};
        struct http_head head = {.status = 200, .fields = fields, .n_fields = 2};
        http1_repeat_keep(&r, span_from_str(text), &head, false);
    }
    ck_assert_ptr_nonnull(find(text, false));
    ck_assert(find(text, false)->fields[0].value.len == 0 && find(text, false)->fields[0].value.ptr != NULL);
    ck_assert(find(text, false)->fields[1].value.len == 0 && find(text, false)->fields[1].value.ptr == NULL);
}
END_TEST

/* C4 */
START_TEST(C4_takes_no_other_bytes_for_it)
{
    keep_twice();
    ck_assert_ptr_nonnull(find(text, false));
    ck_assert_ptr_null(find(text, true));
    ck_assert_ptr_null(find("HTTP/1.1 200 OK\r\nServer: somE\r\n\r\n", false));
    ck_assert_ptr_null(find("HTTP/1.1 200 OK\r\nServer: some\r\n\r", false)); /* the last byte is still to come */
    ck_assert_ptr_null(find("HTTP/1.1 200 OK\r\nServer: some\r\nA: b\r\n\r\n", false));
    ck_assert_ptr_null(find("", false));
    ck_assert_ptr_null(http1_repeat_find(&r, span_from_str(text), false, sizeof(text) - 2, 32));
    ck_assert_ptr_null(http1_repeat_find(&r, span_from_str(text), false, 4096, 0));
    ck_assert_ptr_nonnull(http1_repeat_find(&r, span_from_str(text), false, sizeof(text) - 1, 1));
    keep("HTTP/1.1 200 OK\r\nServer: other\r\n\r\n", "Server", "other", false);
    ck_assert_ptr_null(find(text, false));
    keep(text, "Server", "some", false);
    keep(text, "Server", "some", true); /* the same answer to HEAD counts from the beginning */
    ck_assert_ptr_null(find(text, true));
}
END_TEST

static const char *const secrets[] = {"Set-Cookie", "set-cookie2", "Authentication-Info", "proxy-authentication-info"};

/* The time that it takes to compare would tell of another client's answer. */
START_TEST(keeps_no_bytes_of_a_head_with_a_secret)
{
    char secret[128];
    snprintf(secret, sizeof(secret), "HTTP/1.1 200 OK\r\n%s: value\r\n\r\n", secrets[_i]);
    keep_twice();
    for (int i = 0; i < 3; i++) {
        keep(secret, secrets[_i], "value", false);
        ck_assert_ptr_null(find(secret, false));
        ck_assert_ptr_null(find(text, false));
        ck_assert_uint_eq(r.n, 0);
    }
}
END_TEST

START_TEST(C4_keeps_no_head_behind_which_the_parser_reads_on)
{
    struct http_head head = {.status = 200, .framing = HTTP_CHUNKED};
    for (int i = 0; i < 3; i++)
        http1_repeat_keep(&r, span_from_str(text), &head, false);
    ck_assert_ptr_null(find(text, false));
    head = (struct http_head){.status = 101};
    for (int i = 0; i < 3; i++)
        http1_repeat_keep(&r, span_from_str(text), &head, false);
    ck_assert_ptr_null(find(text, false));
}
END_TEST

START_TEST(keeps_no_more_than_it_has_room_for)
{
    char longer[HTTP1_REPEAT_BYTES + 1];
    struct http_field fields[HTTP1_REPEAT_FIELDS + 1];
    struct http_head head = {.status = 200, .fields = fields};
    memset(longer, 'a', sizeof(longer));
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        fields[i] = (struct http_field){span_of(longer + i, 1), span_of(longer + i, 1)};
    for (size_t n = HTTP1_REPEAT_BYTES; n <= HTTP1_REPEAT_BYTES + 1; n++) {
        for (head.n_fields = HTTP1_REPEAT_FIELDS; head.n_fields <= HTTP1_REPEAT_FIELDS + 1; head.n_fields++) {
            for (int i = 0; i < 2; i++)
                http1_repeat_keep(&r, span_of(longer, n), &head, false);
            bool fits = n == HTTP1_REPEAT_BYTES && head.n_fields == HTTP1_REPEAT_FIELDS;
            ck_assert((http1_repeat_find(&r, span_of(longer, n), false, 4096, 32) != NULL) == fits);
        }
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http1_repeat");
    TCase *tc = tcase_create("repeat");
    tcase_add_test(tc, knows_a_head_that_came_twice);
    tcase_add_test(tc, keeps_an_empty_value_apart_from_none);
    tcase_add_test(tc, C4_takes_no_other_bytes_for_it);
    tcase_add_loop_test(tc, keeps_no_bytes_of_a_head_with_a_secret, 0, (int)(sizeof(secrets) / sizeof(secrets[0])));
    tcase_add_test(tc, C4_keeps_no_head_behind_which_the_parser_reads_on);
    tcase_add_test(tc, keeps_no_more_than_it_has_room_for);
    suite_add_tcase(s, tc);
    return s;
}
