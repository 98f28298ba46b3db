/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/variable.h"
#include "t.h"

#include <string.h>

START_TEST(each_word_finds_its_own_row_and_nothing_longer_or_shorter_does)
{
    for (unsigned i = 0; i < VARIABLE_COUNT; i++) {
        enum variable found;
        struct span name, word = span_from_str(variable_row((enum variable)i)->word);
        char longer[64] = "";
        ck_assert_uint_gt(strlen(variable_row((enum variable)i)->help), 0);
        if (word.ptr[word.len - 1] == '.')
            continue; /* a family of words: below */
        ck_assert(variable_find(word, &found, &name));
        ck_assert_uint_eq(found, i);
        ck_assert_uint_eq(name.len, 0);
        strncat(longer, variable_row((enum variable)i)->word, sizeof(longer) - 2);
        strncat(longer, "x", sizeof(longer) - strlen(longer) - 1);
        ck_assert(!variable_find(span_from_str(longer), &found, &name));
        ck_assert(!variable_find(span_of(word.ptr, word.len - 1), &found, &name));
    }
}
END_TEST

START_TEST(a_word_that_ends_in_a_dot_takes_a_name_behind_it)
{
    enum variable found;
    struct span name;
    ck_assert(variable_find(span_from_str("registry.owner"), &found, &name));
    ck_assert_str_eq(variable_row(found)->word, "registry.");
    ck_assert(span_equals_str(name, "owner"));
    ck_assert(!variable_find(span_from_str("registry."), &found, &name));
    ck_assert(!variable_find(span_from_str("registry"), &found, &name));
}
END_TEST

START_TEST(suggests_the_nearest)
{
    ck_assert_str_eq(variable_suggest("cert.subjct"), "cert.subject");
    ck_assert_str_eq(variable_suggest("tls.versoin"), "tls.version");
    ck_assert_ptr_null(variable_suggest("something.else"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("variable");
    TCase *t = tcase_create("variable");
    tcase_add_test(t, each_word_finds_its_own_row_and_nothing_longer_or_shorter_does);
    tcase_add_test(t, a_word_that_ends_in_a_dot_takes_a_name_behind_it);
    tcase_add_test(t, suggests_the_nearest);
    suite_add_tcase(s, t);
    return s;
}
