/* SPDX-License-Identifier: Apache-2.0 */
#include "time_arg.h"
#include "t.h"

#include <string.h>

static const struct {
    const char *text;
    int64_t seconds;
    const char *why;
} right[] = {
    {"1970-01-01", 0, "the beginning"},
    {"1970-01-01T00:00:01Z", 1, "one second later"},
    {"1969-12-31T23:59:59Z", -1, "one second before"},
    {"2026-01-31T23:59:59Z", 1769903999, "an ordinary day"},
    {"2024-02-29", 1709164800, "a leap day"},
    {"2000-02-29", 951782400, "a leap day of a full century"},
    {"2000-03-01", 951868800, "the day after it"},
    {"2038-01-19T03:14:08Z", 2147483648, "past 32 bits"},
    {"9999-12-31T23:59:59Z", 253402300799, "what X.509 calls never"},
    {"@0", 0, "seconds"},
    {"@1767225600", 1767225600, "seconds"},
};

START_TEST(reads_a_time)
{
    int64_t got = -99;
    struct err err = {0};
    ck_assert_msg(time_arg_parse(right[_i].text, &got, &err) == 0, "%s: %s", right[_i].why, err.text);
    ck_assert_msg(got == right[_i].seconds, "%s: %s gave %lld", right[_i].why, right[_i].text, (long long)got);
}
END_TEST

static const struct {
    const char *text, *why;
} wrong[] = {
    {"", "nothing"},
    {"tomorrow", "a word"},
    {"2026-1-31", "one digit"},
    {"2026-02-29", "no leap year"},
    {"1900-02-29", "a century that is no leap year"},
    {"2026-13-01", "month 13"},
    {"2026-00-10", "month 0"},
    {"2026-04-31", "April has 30"},
    {"2026-01-31T24:00:00Z", "hour 24"},
    {"2026-01-31T23:60:00Z", "minute 60"},
    {"2026-01-31T23:59:60Z", "second 60"},
    {"2026-01-31T23:59:59", "no Z: whose time?"},
    {"2026-01-31 23:59:59Z", "a blank for T"},
    {"2026-01-31T23:59:59+01", "an offset"},
    {"31.01.2026", "another order"},
    {"1767225600", "seconds without @"},
    {"@", "no seconds"},
    {"@-1", "negative"},
    {"@9999999999999", "a year that does not exist"},
};

START_TEST(refuses_what_could_mean_another_time)
{
    int64_t got;
    struct err err = {0};
    ck_assert_msg(time_arg_parse(wrong[_i].text, &got, &err) != 0, "%s: accepted", wrong[_i].why);
    ck_assert_int_eq(err.kind, ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "is not a time"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("time_arg");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, reads_a_time, 0, (int)(sizeof(right) / sizeof(right[0])));
    tcase_add_loop_test(t, refuses_what_could_mean_another_time, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
    suite_add_tcase(s, t);
    return s;
}
