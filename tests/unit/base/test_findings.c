/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/findings.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

START_TEST(keeps_every_finding_in_order_with_its_place)
{
    struct findings f;
    findings_init(&f);
    for (int i = 0; i < 100; i++)
        findings_add(&f, i % 2 == 0 ? FINDING_WARNING : FINDING_NOTE, "a.conf:7", "number %d", i);
    ck_assert_uint_eq(f.n, 100);
    ck_assert_uint_eq(f.warnings, 50);
    ck_assert_str_eq(f.items[99].text, "number 99");
    ck_assert_str_eq(f.items[99].where, "a.conf:7");
    ck_assert_int_eq(f.items[99].level, FINDING_NOTE);
    findings_clear(&f);
    ck_assert_uint_eq(f.n, 0);
}
END_TEST

START_TEST(fails_on_an_error_and_not_on_a_warning)
{
    struct findings f;
    findings_init(&f);
    ck_assert(!findings_failed(&f));
    findings_add(&f, FINDING_WARNING, NULL, "only a warning");
    ck_assert(!findings_failed(&f));
    ck_assert_str_eq(f.items[0].where, "");
    findings_add(&f, FINDING_ERROR, "x", "an error");
    ck_assert(findings_failed(&f));
    findings_clear(&f);
    ck_assert(!findings_failed(&f));
    f.out_of_memory = 1;
    ck_assert(findings_failed(&f)); /* a finding that was lost may have been an error */
}
END_TEST

START_TEST(a_fault_is_called_an_error_and_refuses_nothing)
{
    struct findings f;
    findings_init(&f);
    findings_add(&f, FINDING_FAULT, "x", "of one thing");
    ck_assert(!findings_failed(&f));
    ck_assert_uint_eq(f.faults, 1);
    ck_assert_uint_eq(f.errors + f.warnings, 0);
    ck_assert_str_eq(finding_level_word(FINDING_FAULT), "error");
    ck_assert_str_eq(finding_level_word(FINDING_ERROR), "error");
    ck_assert_str_eq(finding_level_word(FINDING_WARNING), "warning");
    ck_assert_str_eq(finding_level_word(FINDING_NOTE), "note");
    findings_clear(&f);
}
END_TEST

START_TEST(tells_once_what_is_true_of_several_places)
{
    struct findings f;
    findings_init(&f);
    for (int i = 0; i < 9; i++) {
        char where[16];
        snprintf(where, sizeof(where), "x.conf:%d", i);
        findings_add(&f, FINDING_NOTE, where, "the same");
        findings_add(&f, FINDING_WARNING, where, "the same");
        findings_add(&f, FINDING_ERROR, where, "the same");
    }
    findings_add(&f, FINDING_NOTE, "x.conf:1", "another");
    ck_assert_uint_eq(f.n, 12);
    ck_assert_str_eq(f.items[0].where, "x.conf:0");
    ck_assert_uint_eq(f.items[0].times, 9);
    ck_assert_uint_eq(f.items[1].times, 9);
    ck_assert_uint_eq(f.items[2].times, 1);
    ck_assert_uint_eq(f.items[11].times, 1);
    ck_assert_uint_eq(f.warnings, 1);
    ck_assert_uint_eq(f.errors, 9);
    findings_clear(&f);
}
END_TEST

START_TEST(keeps_long_texts_whole)
{
    static char big[5000];
    memset(big, 'a', sizeof(big) - 1);
    struct findings f;
    findings_init(&f);
    findings_add(&f, FINDING_ERROR, "x", "%s!", big);
    ck_assert_uint_eq(strlen(f.items[0].text), 5000);
    findings_clear(&f);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("findings");
    TCase *t = tcase_create("findings");
    tcase_add_test(t, keeps_every_finding_in_order_with_its_place);
    tcase_add_test(t, fails_on_an_error_and_not_on_a_warning);
    tcase_add_test(t, a_fault_is_called_an_error_and_refuses_nothing);
    tcase_add_test(t, keeps_long_texts_whole);
    tcase_add_test(t, tells_once_what_is_true_of_several_places);
    suite_add_tcase(s, t);
    return s;
}
