/* SPDX-License-Identifier: Apache-2.0 */
#include "dashboard_parts.h"
#include "t.h"

#include <jansson.h>
#include <stdio.h>

START_TEST(days_have_words_and_a_class)
{
    static const struct {
        int days;
        const char *words, *class;
    } rows[] = {{-1, "ended 1 day ago", "bad"}, {-9, "ended 9 days ago", "bad"}, {0, "ends today", "soon"}, {1, "ends in 1 day", "soon"},
                {29, "ends in 29 days", "soon"}, {30, "ends in 30 days", "good"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bytes out;
        json_t *days = json_integer(rows[i].days);
        bytes_init(&out, 64);
        dashboard_words_days(&out, days);
        ck_assert(span_equals_str(bytes_span(&out), rows[i].words));
        ck_assert_str_eq(dashboard_words_days_class(days), rows[i].class);
        bytes_clear(&out);
        json_decref(days);
    }
    ck_assert_str_eq(dashboard_words_days_class(NULL), "none");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("dashboard_words");
    TCase *t = tcase_create("dashboard_words");
    tcase_add_test(t, days_have_words_and_a_class);
    suite_add_tcase(s, t);
    return s;
}
