/* SPDX-License-Identifier: Apache-2.0 */
#include "health_expect.h"
#include "t.h"

START_TEST(reads_what_is_expected)
{
    static const struct { const char *expect; unsigned status; bool fits; } rows[] = {
        {"200", 200, true},      {"200", 201, false},     {"200-399", 399, true}, {"200-399", 400, false}, {"200-399", 199, false},
        {"200,404", 404, true},  {" 200 , 404 ", 404, true}, {"", 200, false},    {"ok", 200, false},      {"2xx", 200, false},
        {"399-200", 300, false}, {"200-", 200, false},    {"0-999", 200, false},  {"-200", 200, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(health_expect_fits(rows[i].expect, rows[i].status) == rows[i].fits, "\"%s\" and %u", rows[i].expect, rows[i].status);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("health_expect");
    TCase *t = tcase_create("health_expect");
    tcase_add_test(t, reads_what_is_expected);
    suite_add_tcase(s, t);
    return s;
}
