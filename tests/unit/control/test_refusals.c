/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/control/refusals.h"

#include <string.h>

static void add(struct refusals *r, int64_t when)
{
    struct refusal_note note = {.when = when, .reason = REASON_EXPIRED, .listener = "public", .detail = "certificate CN=x: expired", .hint = when == 2 ? "renew it" : NULL};
    refusals_add(r, &note);
}

START_TEST(gives_the_newest_first)
{
    struct refusals *r = refusals_new();
    add(r, 1);
    add(r, 2);
    struct refusal out[REFUSALS_KEPT];
    ck_assert_uint_eq(refusals_copy(r, out, REFUSALS_KEPT), 2);
    ck_assert_int_eq(out[0].when, 2);
    ck_assert_int_eq(out[1].when, 1);
    ck_assert_str_eq(out[0].listener, "public");
    ck_assert_str_eq(out[0].upstream, "");
    ck_assert_str_eq(out[0].hint, "renew it");
    ck_assert_ptr_null(out[1].hint);
    refusals_free(r);
}
END_TEST

START_TEST(forgets_the_oldest_when_full)
{
    struct refusals *r = refusals_new();
    for (int i = 0; i < REFUSALS_KEPT * 2 + 3; i++)
        add(r, i);
    struct refusal out[REFUSALS_KEPT];
    ck_assert_uint_eq(refusals_copy(r, out, REFUSALS_KEPT), REFUSALS_KEPT);
    ck_assert_int_eq(out[0].when, REFUSALS_KEPT * 2 + 2);
    ck_assert_int_eq(out[REFUSALS_KEPT - 1].when, REFUSALS_KEPT + 3);
    ck_assert_uint_eq(refusals_copy(r, out, 5), 5);
    refusals_free(r);
}
END_TEST

START_TEST(cuts_texts_that_are_too_long)
{
    char huge[4096];
    memset(huge, 'x', sizeof(huge));
    huge[sizeof(huge) - 1] = '\0';
    struct refusals *r = refusals_new();
    struct refusal_note note = {.listener = huge, .upstream = huge, .peer_subject = huge, .detail = huge};
    refusals_add(r, &note);
    struct refusal out;
    ck_assert_uint_eq(refusals_copy(r, &out, 1), 1);
    ck_assert_uint_eq(strlen(out.listener), sizeof(out.listener) - 1);
    ck_assert_uint_eq(strlen(out.detail), sizeof(out.detail) - 1);
    refusals_free(r);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("refusals");
    TCase *t = tcase_create("refusals");
    tcase_add_test(t, gives_the_newest_first);
    tcase_add_test(t, forgets_the_oldest_when_full);
    tcase_add_test(t, cuts_texts_that_are_too_long);
    suite_add_tcase(s, t);
    return s;
}
