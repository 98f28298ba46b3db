/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_version.h"
#include "t.h"

#include <stdio.h>

START_TEST(names_three_numbers)
{
    unsigned a, b, c;
    char rest;
    ck_assert_int_eq(sscanf(tls_version_gnutls(), "%u.%u.%u%c", &a, &b, &c, &rest), 3);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_version");
    TCase *t = tcase_create("all");
    tcase_add_test(t, names_three_numbers);
    suite_add_tcase(s, t);
    return s;
}
