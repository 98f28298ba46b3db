/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/log_pattern.h"
#include "t.h"

START_TEST(a_pattern_is_kept_and_used_by_its_number)
{
    ck_assert_int_eq(log_pattern_keep("{status} a"), 0);
    ck_assert_int_eq(log_pattern_keep("{status} b"), 0);
    log_pattern_use(0, "{status} a");
    log_pattern_use(8, "{status} b");
    const struct template *a = log_pattern_of(LOG_FORMAT_PATTERN), *b = log_pattern_of((enum log_format)(LOG_FORMAT_PATTERN + 8));
    ck_assert(a != NULL && span_equals_str(a->parts[1].text, " a"));
    ck_assert(b != NULL && span_equals_str(b->parts[1].text, " b"));
    ck_assert_ptr_null(log_pattern_of((enum log_format)(LOG_FORMAT_PATTERN + 1)));
    ck_assert_ptr_null(log_pattern_of((enum log_format)(LOG_FORMAT_PATTERN + 9)));
    ck_assert_ptr_null(log_pattern_of(LOG_FORMAT_COMBINED));
    ck_assert_int_eq(log_pattern_keep("{status} a"), 0); /* once */
    log_pattern_use(8, "{status} a");
    ck_assert_ptr_eq(log_pattern_of((enum log_format)(LOG_FORMAT_PATTERN + 8)), a);
    log_pattern_use(8, NULL);
    ck_assert_ptr_null(log_pattern_of((enum log_format)(LOG_FORMAT_PATTERN + 8)));
    log_pattern_use(9, "{status} a"); /* there is no such number */
}
END_TEST

START_TEST(what_is_no_pattern_is_not_kept)
{
    ck_assert_int_eq(log_pattern_keep("{nothing}"), -1);
    log_pattern_use(3, "{nothing}");
    ck_assert_ptr_null(log_pattern_of((enum log_format)(LOG_FORMAT_PATTERN + 3)));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("log_pattern");
    TCase *t = tcase_create("log_pattern");
    tcase_add_test(t, a_pattern_is_kept_and_used_by_its_number);
    tcase_add_test(t, what_is_no_pattern_is_not_kept);
    suite_add_tcase(s, t);
    return s;
}
