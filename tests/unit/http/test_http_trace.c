/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_trace.h"
#include "t.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"
#define GOOD "00-" TRACE "-" PARENT "-01"

static const struct {
    const char *why, *value;
    bool good;
} rows[] = {
    {"the example of the standard", GOOD, true},
    {"a later version", "cc-" TRACE "-" PARENT "-01", true},
    {"a later version with more", "cc-" TRACE "-" PARENT "-01-what-comes", true},
    {"a version that there is not", "ff-" TRACE "-" PARENT "-01", false},
    {"this version with more", GOOD "-x", false},
    {"a later version with more that is no part", "cc-" TRACE "-" PARENT "-01x", false},
    {"no trace", "00-00000000000000000000000000000000-" PARENT "-01", false},
    {"no parent", "00-" TRACE "-0000000000000000-01", false},
    {"upper case", "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01", false},
    {"C8: a control byte", "00-4bf92f3577b34da6a3ce929d0e0e473\n-" PARENT "-01", false},
    {"another separator", "00_" TRACE "-" PARENT "-01", false},
    {"too short", "00-" TRACE "-" PARENT "-0", false},
    {"empty", "", false},
};

START_TEST(only_a_well_formed_one_is_read)
{
    struct http_field field = {span_from_str("TraceParent"), span_from_str(rows[_i].value)};
    struct http_head head = {.request = true, .fields = &field, .n_fields = 1};
    struct span got = http_trace_parent(&head);
    ck_assert_msg(got.len == (rows[_i].good ? 55 : 0), "%s", rows[_i].why);
    ck_assert(got.len == 0 || got.ptr == field.value.ptr);
}
END_TEST

START_TEST(of_two_none_is_read)
{
    struct http_field fields[] = {{span_from_str("traceparent"), span_from_str(GOOD)}, {span_from_str("traceparent"), span_from_str(GOOD)}};
    struct http_head head = {.request = true, .fields = fields, .n_fields = 2};
    ck_assert_uint_eq(http_trace_parent(&head).len, 0);
    head.n_fields = 0;
    ck_assert_uint_eq(http_trace_parent(&head).len, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_trace");
    TCase *t = tcase_create("http_trace");
    tcase_add_loop_test(t, only_a_well_formed_one_is_read, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(t, of_two_none_is_read);
    suite_add_tcase(s, t);
    return s;
}
