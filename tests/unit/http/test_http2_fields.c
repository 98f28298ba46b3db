/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_fields.h"
#include "t.h"

#include <string.h>

static void expect(const struct http2_fields *f, size_t i, const char *name, const char *value)
{
    ck_assert_uint_lt(i, f->n);
    ck_assert(span_equals_str(span_of(f->list[i].name, f->list[i].namelen), name));
    ck_assert(span_equals_str(span_of(f->list[i].value, f->list[i].valuelen), value));
}

START_TEST(lowers_names_and_nothing_else)
{
    struct http2_fields f;
    ck_assert_int_eq(http2_fields_init(&f, 2, 64), 0);
    http2_fields_add_lowered(&f, span_from_str("X-AZaz09_~@[`{"), span_from_str("Value"), false);
    http2_fields_add_lowered(&f, span_from_str("A"), span_from_str(""), true);
    expect(&f, 0, "x-azaz09_~@[`{", "Value");
    expect(&f, 1, "a", "");
    ck_assert(f.list[0].flags == 0 && f.list[1].flags == NGHTTP2_NV_FLAG_NO_INDEX);
    http2_fields_clear(&f);
}
END_TEST

START_TEST(takes_lines_apart)
{
    struct span lines = span_from_str("X-A: 1\r\nForwarded:  for=x;by=y:1 \r\nX-B:\r\n");
    struct http2_fields f;
    ck_assert_uint_eq(http2_fields_count_lines(lines), 3);
    ck_assert_int_eq(http2_fields_init(&f, 3, lines.len), 0);
    http2_fields_add_lines(&f, lines);
    expect(&f, 0, "x-a", "1");
    expect(&f, 1, "forwarded", "for=x;by=y:1");
    expect(&f, 2, "x-b", "");
    http2_fields_clear(&f);
}
END_TEST

START_TEST(writes_numbers)
{
    struct http2_fields f;
    ck_assert_int_eq(http2_fields_init(&f, 3, 64), 0);
    ck_assert(span_equals_str(http2_fields_number(&f, 0, 1), "0"));
    ck_assert(span_equals_str(http2_fields_number(&f, 7, 3), "007"));
    ck_assert(span_equals_str(http2_fields_number(&f, UINT64_MAX, 1), "18446744073709551615"));
    http2_fields_clear(&f);
}
END_TEST

START_TEST(has_room_for_many)
{
    struct http2_fields f;
    ck_assert_int_eq(http2_fields_init(&f, 1000, 10), 0);
    for (int i = 0; i < 1000; i++)
        http2_fields_add_str(&f, "a", span_from_str("b"));
    expect(&f, 999, "a", "b");
    http2_fields_clear(&f);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http2_fields");
    TCase *c = tcase_create("all");
    tcase_add_test(c, lowers_names_and_nothing_else);
    tcase_add_test(c, takes_lines_apart);
    tcase_add_test(c, writes_numbers);
    tcase_add_test(c, has_room_for_many);
    suite_add_tcase(s, c);
    return s;
}
