/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_version.h"
#include "t.h"

#include <stdio.h>

START_TEST(names_three_numbers_of_each_library)
{
    unsigned a, b, c;
    char rest;
    ck_assert_int_eq(sscanf(http_version_llhttp(), "%u.%u.%u%c", &a, &b, &c, &rest), 3);
    ck_assert_int_ge(sscanf(http_version_nghttp2(), "%u.%u.%u", &a, &b, &c), 3);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_version");
    TCase *t = tcase_create("all");
    tcase_add_test(t, names_three_numbers_of_each_library);
    suite_add_tcase(s, t);
    return s;
}
