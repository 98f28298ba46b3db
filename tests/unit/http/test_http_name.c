/* SPDX-License-Identifier: Apache-2.0 */
/* Row C1: names are compared as the most careless backend would. */
#include "http_name.h"
#include "t.h"

static const struct {
    const char *why, *name, *other;
    bool equal;
} names[] = {
    {"the same", "a-b", "a-b", true},
    {"case", "A-B", "a-b", true},
    {"case of the other", "a-b", "A-B", true},
    {"underscore for dash", "a_b", "a-b", true},
    {"dot for dash", "a.b", "a-b", true},
    {"digits", "sha256", "SHA256", true},
    {"empty", "", "", true},
    {"other digits", "sha257", "sha256", false},
    {"shorter", "a-", "a-b", false},
    {"longer", "a-bc", "a-b", false},
    {"empty against something", "", "a", false},
    {"something against empty", "a", "", false},
    {"another letter", "a-c", "a-b", false},
    {"no dash", "ab", "a-b", false},
    {"two dashes", "a--b", "a-b", false},
    {"a plus, which some servers take for a dash", "a+b", "a-b", true},
    {"a tilde", "a~b", "a-b", true},
    {"a backquote is no letter", "`", "a", false},
};

START_TEST(C1_compares_names_as_careless_backends_do)
{
    bool equal = http_name_equals(span_from_str(names[_i].name), names[_i].other);
    ck_assert_msg(equal == names[_i].equal, "%s", names[_i].why);
    struct span name = span_from_str(names[_i].name), other = span_from_str(names[_i].other);
    ck_assert_msg(http_name_same(name, other) == equal && http_name_same(other, name) == equal, "%s", names[_i].why);
}
END_TEST

START_TEST(C1_compares_two_spellings_that_are_both_careless)
{
    ck_assert(http_name_same(span_from_str("X_A.b"), span_from_str("x.a-B")));
    ck_assert(http_name_same(span_from_str("X^A"), span_from_str("X~A")));
    ck_assert(!http_name_same(span_from_str("X_A"), span_from_str("XA")));
}
END_TEST

/* Of all bytes a field name may hold, the two cases of a letter are the same, and all that are neither letter nor digit. */
START_TEST(C1_takes_no_other_token_bytes_for_the_same)
{
    for (int a = 0x21; a < 0x7f; a++)
        for (int b = 0x21; b < 0x7f; b++) {
            bool wanted_alnum = (b >= 'a' && b <= 'z') || (b >= '0' && b <= '9') || b == '-';
            bool token = a != '"' && a != '(' && a != ')' && a != ',' && a != '/' && (a < ':' || a > '@') &&
                         (a < '[' || a > ']') && a != '{' && a != '}';
            if (!wanted_alnum || !token)
                continue;
            uint8_t name = (uint8_t)a;
            char other[] = {(char)b, '\0'};
            bool upper = a >= 'A' && a <= 'Z' && a + 32 == b;
            bool letter_or_digit = (a >= '0' && a <= '9') || ((a | 32) >= 'a' && (a | 32) <= 'z');
            bool same = a == b || upper || (b == '-' && !letter_or_digit);
            ck_assert_msg(http_name_equals(span_of(&name, 1), other) == same, "%c and %c", a, b);
        }
}
END_TEST

START_TEST(knows_beginnings)
{
    ck_assert(http_name_starts(span_from_str("X_Forwarded-For"), "x-forwarded-"));
    ck_assert(http_name_starts(span_from_str("x-forwarded-"), "x-forwarded-"));
    ck_assert(!http_name_starts(span_from_str("x-forwarded"), "x-forwarded-"));
}
END_TEST

START_TEST(finds_a_name_in_a_list)
{
    static const char *const list[] = {"a-b", "c"};
    ck_assert(http_name_is_one_of(span_from_str("C"), list, 2));
    ck_assert(!http_name_is_one_of(span_from_str("C"), list, 1));
    ck_assert(!http_name_is_one_of(span_from_str("d"), list, 2));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_name");
    TCase *tc = tcase_create("names");
    tcase_add_loop_test(tc, C1_compares_names_as_careless_backends_do, 0,
                        (int)(sizeof(names) / sizeof(names[0])));
    tcase_add_test(tc, C1_takes_no_other_token_bytes_for_the_same);
    tcase_add_test(tc, knows_beginnings);
    tcase_add_test(tc, finds_a_name_in_a_list);
    tcase_add_test(tc, C1_compares_two_spellings_that_are_both_careless);
    suite_add_tcase(s, tc);
    return s;
}
