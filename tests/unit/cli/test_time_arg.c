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
    {"2026-01-31T23:59:59+00:00", 1769903999, "UTC as an offset"},
    {"2026-01-31T23:59:59-00:00", 1769903999, "UTC, from nobody knows where"},
    {"2026-02-01T05:29:59+05:30", 1769903999, "ahead, and already tomorrow"},
    {"2026-01-31T15:59:59-08:00", 1769903999, "behind"},
    {"2026-02-01T23:58:59+23:59", 1769903999, "as far ahead as can be written"},
    {"2026-01-31t23:59:59z", 1769903999, "small letters"},
    {"2026-01-31 23:59:59+00:00", 1769903999, "as date --rfc-3339 writes it"},
    {"2026-01-31T23:59:59.999999999Z", 1769903999, "a fraction is dropped"},
    {"2026-02-01T05:29:59.1+05:30", 1769903999, "a fraction before an offset"},
    {"1969-12-31T23:59:59.5Z", -1, "a fraction before 1970 too"},
    {"1990-12-31T23:59:60Z", 662688000, "a leap second, of RFC 3339"},
    {"1990-12-31T15:59:60-08:00", 662688000, "the same in California"},
    {"2026-06-30T23:59:60.5Z", 1782864000, "one that may come"},
    {"0001-01-01T00:00:00Z", -62135596800, "the first year"},
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
    {"2026-01-31T23:59:61Z", "second 61"},
    {"2026-01-30T23:59:60Z", "a leap second within a month"},
    {"2026-01-31T22:59:60Z", "a leap second within a day"},
    {"2026-01-31T23:59:60+01:00", "a leap second by a clock that is not UTC"},
    {"2026-01-31T23:59:59", "no Z: whose time?"},
    {"2026-01-31_23:59:59Z", "an underscore for T"},
    {"2026-01-31T23:59:59+01", "an offset without minutes"},
    {"2026-01-31T23:59:59+0100", "an offset without a colon"},
    {"2026-01-31T23:59:59+24:00", "an offset of a day"},
    {"2026-01-31T23:59:59+01:60", "an offset of 60 minutes"},
    {"2026-01-31T23:59:59+1:00", "an offset of one digit"},
    {"2026-01-31T23:59:59\xe2\x88\x92" "01:00", "a typographic minus"},
    {"2026-01-31T23:59:59Z+01:00", "two offsets"},
    {"2026-01-31T23:59:59.Z", "a dot without digits"},
    {"2026-01-31T23:59:59,5Z", "a comma"},
    {"2026-01-31T23:59Z", "no seconds"},
    {"2026-01-31T23:59:5", "cut off"},
    {"2026-01-31T23:59:59.5", "a fraction and no zone"},
    {"2026-01-31T23:59:59Z ", "a blank behind"},
    {" 2026-01-31T23:59:59Z", "a blank before"},
    {"2026-01-31T+3:59:59Z", "a sign in the hour"},
    {"9999-12-31T23:59:59-00:01", "the year 10000"},
    {"0001-01-01T00:00:00+00:01", "the year 0"},
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
