/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/err.h"
#include "t.h"

#include <string.h>

START_TEST(the_first_message_wins)
{
    struct err err;
    err_clear(&err);
    ck_assert_int_eq(err_set(&err, ERR_CREDENTIAL, "certificate %s: expired", "client.pem"), -1);
    ck_assert_int_eq(err_set(&err, ERR_INTERNAL, "something failed"), -1);
    ck_assert_int_eq(err.kind, ERR_CREDENTIAL);
    ck_assert_str_eq(err.text, "certificate client.pem: expired");
    err_clear(&err);
    ck_assert_int_eq(err.kind, ERR_NONE);
    ck_assert_str_eq(err.text, "");
}
END_TEST

START_TEST(nobody_has_to_want_the_words)
{
    ck_assert_int_eq(err_set(NULL, ERR_IO, "unheard"), -1);
}
END_TEST

START_TEST(a_long_message_is_cut_not_spilled)
{
    static char big[5000];
    memset(big, 'a', sizeof(big) - 1);
    struct err err;
    err_clear(&err);
    ck_assert_int_eq(err_set(&err, ERR_IO, "%s", big), -1);
    ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("err");
    TCase *t = tcase_create("err");
    tcase_add_test(t, the_first_message_wins);
    tcase_add_test(t, nobody_has_to_want_the_words);
    tcase_add_test(t, a_long_message_is_cut_not_spilled);
    suite_add_tcase(s, t);
    return s;
}
