/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/hostname.h"
#include "t.h"

static const struct {
    const char *pattern, *host;
    bool matches;
    const char *why;
} rows[] = {
    {"a.example", "a.example", true, "the same"},
    {"a.example", "A.EXAMPLE", true, "case does not matter"},
    {"A.Example", "a.example", true, "on neither side"},
    {"a.example", "a.example.", true, "one dot at the end does not matter"},
    {"a.example.", "a.example", true, "on neither side"},
    {"a.example", "a.example..", false, "two do"},
    {"a.example", "b.a.example", false, "an exact name is exact"},
    {"a.example", "a.example.evil", false, "at both ends"},
    {"*.example", "a.example", true, "one label"},
    {"*.example", "b.a.example", true, "several labels"},
    {"*.example", "a.example.", true, "with a dot at the end"},
    {"*.example", "example", false, "not the suffix itself"},
    {"*.example", ".example", false, "an empty label is none"},
    {"*.example", "a..example", false, "nor is one in between"},
    {"*.example", "aexample", false, "whole labels only"},
    {"*.", "a", false, "no suffix"},
    {"*", "a", false, "a star alone is a name nobody has"},
    {"a*.example", "ab.example", false, "a star inside a label is no pattern"},
    {"", "a", false, "an empty pattern"},
    {"a", "", false, "an empty host"},
    {"a", ".", false, "a dot alone"},
    {"127.0.0.1", "127.0.0.1", true, "an address is a name like any other"},
};

START_TEST(compares_names_with_patterns) /* A9 */
{
    bool got = hostname_matches(span_from_str(rows[_i].pattern), span_from_str(rows[_i].host));
    ck_assert_msg(got == rows[_i].matches, "%s against %s: %s", rows[_i].pattern, rows[_i].host, rows[_i].why);
}
END_TEST

START_TEST(a_nul_ends_no_name) /* A5 */
{
    ck_assert(!hostname_matches(span_from_str("a.example"), span_of("a.example\0.evil", 15)));
}
END_TEST

START_TEST(tells_which_pattern_says_more)
{
    static const char *const order[] = {"a.b.example", "*.a.b.example", "*.b.example", "*.example."};
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++)
            ck_assert_msg(hostname_is_closer(span_from_str(order[i]), span_from_str(order[k])) == (i < k), "%s, %s", order[i], order[k]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("hostname");
    TCase *t = tcase_create("hostname");
    tcase_add_loop_test(t, compares_names_with_patterns, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(t, a_nul_ends_no_name);
    tcase_add_test(t, tells_which_pattern_says_more);
    suite_add_tcase(s, t);
    return s;
}
