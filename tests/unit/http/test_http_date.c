/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_date.h"
#include "t.h"

static const struct {
    int64_t seconds;
    const char *text;
} rows[] = {
    {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"}, /* of the RFC */
    {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
    {86399, "Thu, 01 Jan 1970 23:59:59 GMT"},
    {86400, "Fri, 02 Jan 1970 00:00:00 GMT"},
    {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
    {1709164800, "Thu, 29 Feb 2024 00:00:00 GMT"},
    {1735689599, "Tue, 31 Dec 2024 23:59:59 GMT"},
    {4294967296, "Sun, 07 Feb 2106 06:28:16 GMT"},
    {-1, "Thu, 01 Jan 1970 00:00:00 GMT"},
    {INT64_MIN, "Thu, 01 Jan 1970 00:00:00 GMT"},
    {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"},
};

START_TEST(says_the_date_as_HTTP_does)
{
    char text[HTTP_DATE_SIZE];
    http_date_format(text, rows[_i].seconds);
    ck_assert_str_eq(text, rows[_i].text);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_date");
    TCase *tc = tcase_create("dates");
    tcase_add_loop_test(tc, says_the_date_as_HTTP_does, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    suite_add_tcase(s, tc);
    return s;
}
