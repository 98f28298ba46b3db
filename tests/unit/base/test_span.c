/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/span.h"
#include "t.h"

#include <string.h>

START_TEST(compares_bytes_and_not_strings)
{
    ck_assert(span_equals(span_of("a\0b", 3), span_of("a\0b", 3)));
    ck_assert(!span_equals(span_of("a\0b", 3), span_of("a\0c", 3)));
    ck_assert(!span_equals_str(span_of("a\0b", 3), "a"));
    ck_assert(!span_equals_str(span_of("ab", 2), "abc"));
    ck_assert(!span_equals_str(span_of("abc", 3), "ab"));
    ck_assert(span_equals(span_of(NULL, 0), span_of("", 0)));
}
END_TEST

START_TEST(a_secret_equals_itself_and_nothing_else)
{
    static const char *const others[] = {"", "s", "secre", "secret1", "Secret", "secreT", "xxxxxx"};
    struct span secret = span_from_str("secret");
    ck_assert(span_equals_secret(secret, span_from_str("secret")));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_msg(!span_equals_secret(secret, span_from_str(others[i])) && !span_equals_secret(span_from_str(others[i]), secret), "%s", others[i]);
    ck_assert(!span_equals_secret(span_of(NULL, 0), span_of(NULL, 0)));
}
END_TEST

START_TEST(ignores_case_in_ascii_only)
{
    ck_assert(span_equals_nocase_str(span_from_str("Content-Length"), "content-length"));
    ck_assert(!span_equals_nocase_str(span_from_str("Content-Length"), "content_length"));
    ck_assert(!span_equals_nocase_str(span_from_str("M\xc3\x9c"), "m\xc3\xbc"));
    ck_assert(!span_equals_nocase_str(span_from_str("\xc4"), "\xe4"));
    ck_assert(span_equals_nocase(span_of(NULL, 0), span_of(NULL, 0)));
}
END_TEST

START_TEST(skips_no_further_than_the_end)
{
    struct span s = span_from_str("abc");
    ck_assert(span_equals_str(span_skip(s, 0), "abc"));
    ck_assert(span_equals_str(span_skip(s, 2), "c"));
    ck_assert_uint_eq(span_skip(s, 3).len, 0);
    ck_assert_uint_eq(span_skip(s, 99).len, 0);
    ck_assert_uint_eq(span_skip(span_of(NULL, 0), 1).len, 0);
    ck_assert_uint_eq(span_from_str(NULL).len, 0);
}
END_TEST

START_TEST(trims_spaces_and_tabs_and_nothing_else)
{
    ck_assert(span_equals_str(span_trim(span_from_str(" \t a b \t")), "a b"));
    ck_assert(span_equals_str(span_trim(span_from_str("\ra\n")), "\ra\n"));
    ck_assert_uint_eq(span_trim(span_from_str(" \t ")).len, 0);
    ck_assert_uint_eq(span_trim(span_of(NULL, 0)).len, 0);
}
END_TEST

START_TEST(walks_a_list_and_skips_empty_elements)
{
    struct span rest = span_from_str(" close,, ,\tkeep-alive ,x"), item;
    static const char *const expect[] = {"close", "keep-alive", "x"};
    for (size_t i = 0; i < 3; i++) {
        ck_assert(span_next_in_list(&rest, &item));
        ck_assert(span_equals_str(item, expect[i]));
    }
    ck_assert(!span_next_in_list(&rest, &item));
    rest = span_from_str(",, ,");
    ck_assert(!span_next_in_list(&rest, &item));
}
END_TEST

START_TEST(duplicates_with_a_nul_behind)
{
    char *copy = span_dup(span_of("abcdef", 3));
    ck_assert_str_eq(copy, "abc");
    free(copy);
    copy = span_dup(span_of(NULL, 0));
    ck_assert_str_eq(copy, "");
    free(copy);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("span");
    TCase *t = tcase_create("span");
    tcase_add_test(t, compares_bytes_and_not_strings);
    tcase_add_test(t, a_secret_equals_itself_and_nothing_else);
    tcase_add_test(t, ignores_case_in_ascii_only);
    tcase_add_test(t, skips_no_further_than_the_end);
    tcase_add_test(t, trims_spaces_and_tabs_and_nothing_else);
    tcase_add_test(t, walks_a_list_and_skips_empty_elements);
    tcase_add_test(t, duplicates_with_a_nul_behind);
    suite_add_tcase(s, t);
    return s;
}
