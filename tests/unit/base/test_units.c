/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/units.h"
#include "t.h"

#include <string.h>

struct row {
    const char *text;
    uint64_t value;
    const char *says; /* NULL: it is accepted */
    const char *why;
};

static const struct row durations[] = {
    {"0", 0, NULL, "nothing needs no unit"},
    {"250ms", 250, NULL, "milliseconds"},
    {"10s", 10000, NULL, "seconds"},
    {"5m", 300000, NULL, "minutes, not milliseconds"},
    {"2h", 7200000, NULL, "hours"},
    {"7d", 604800000, NULL, "days"},
    {"3650d", 315360000000, NULL, "the longest one"},
    {"10", 0, "has no unit", "ten what?"},
    {"", 0, "not a duration", "empty"},
    {"s", 0, "not a duration", "a unit alone"},
    {"-5s", 0, "not a duration", "time does not run backwards"},
    {"+5s", 0, "not a duration", "no sign at all"},
    {"1.5s", 0, "not a duration", "whole numbers only"},
    {"10 s", 0, "not a duration", "no space"},
    {" 10s", 0, "not a duration", "no space in front"},
    {"10S", 0, "not a duration", "units have one spelling"},
    {"10sec", 0, "not a duration", "no other words"},
    {"0x10s", 0, "not a duration", "decimal only"},
    {"3651d", 0, "too long", "past the longest"},
    {"18446744073709551616ms", 0, "too long", "2^64 must not become 0"},
    {"18446744073709551615d", 0, "too long", "the product must not wrap"},
    {"99999999999999999999999999999999s", 0, "too long", "a number of any length"},
};

static const struct row sizes[] = {
    {"0", 0, NULL, "nothing"},
    {"512", 512, NULL, "bytes need no unit"},
    {"512B", 512, NULL, "but may have one"},
    {"64KiB", 65536, NULL, "kibibytes"},
    {"64K", 65536, NULL, "the same, short"},
    {"10MiB", 10485760, NULL, "mebibytes"},
    {"1G", 1073741824, NULL, "gibibytes"},
    {"1048576GiB", 1125899906842624, NULL, "the largest"},
    {"4294967296", 4294967296, NULL, "more than 32 bits hold is kept whole"},
    {"", 0, "not a size", "empty"},
    {"KiB", 0, "not a size", "a unit alone"},
    {"-1", 0, "not a size", "negative"},
    {"64 KiB", 0, "not a size", "no space"},
    {"64KB", 0, "not a size", "1000 or 1024? nobody should have to guess"},
    {"1.5MiB", 0, "not a size", "whole numbers only"},
    {"1048577GiB", 0, "too large", "past the largest"},
    {"18446744073709551616", 0, "too large", "2^64 must not become 0"},
    {"18014398509481984K", 0, "too large", "the product must not wrap"},
};

static void check_row(const struct row *r, int (*read)(const char *, uint64_t *, struct err *))
{
    struct err err;
    err_clear(&err);
    uint64_t value = 77;
    int rc = read(r->text, &value, &err);
    if (r->says == NULL) {
        ck_assert_msg(rc == 0 && value == r->value, "\"%s\" (%s): got %llu, %s", r->text, r->why,
                      (unsigned long long)value, err.text);
        return;
    }
    ck_assert_msg(rc == -1 && value == 77, "\"%s\" was taken (%s)", r->text, r->why);
    ck_assert_msg(err.kind == ERR_CONFIG && strstr(err.text, r->says) != NULL, "\"%s\" (%s): says \"%s\"",
                  r->text, r->why, err.text);
}

START_TEST(reads_durations_and_refuses_everything_unclear)
{
    check_row(&durations[_i], units_duration_ms);
}
END_TEST

START_TEST(reads_sizes_and_refuses_everything_unclear)
{
    check_row(&sizes[_i], units_size);
}
END_TEST

START_TEST(writes_durations_as_a_person_would)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } rows[] = {{0, "0s"}, {1, "1ms"}, {1500, "1500ms"}, {10000, "10s"}, {90000, "90s"}, {60000, "1m"}, {600000, "10m"}, {7200000, "2h"}, {86400000, "1d"}, {604800000, "7d"}, {UINT64_MAX, "18446744073709551615ms"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[UNITS_DURATION_SIZE];
        uint64_t again;
        struct err err = {0};
        units_write_duration(text, rows[i].ms);
        ck_assert_str_eq(text, rows[i].text);
        ck_assert(rows[i].ms == UINT64_MAX || (units_duration_ms(text, &again, &err) == 0 && again == rows[i].ms));
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("units");
    TCase *t = tcase_create("units");
    tcase_add_loop_test(t, reads_durations_and_refuses_everything_unclear, 0,
                        (int)(sizeof(durations) / sizeof(durations[0])));
    tcase_add_loop_test(t, reads_sizes_and_refuses_everything_unclear, 0,
                        (int)(sizeof(sizes) / sizeof(sizes[0])));
    tcase_add_test(t, writes_durations_as_a_person_would);
    suite_add_tcase(s, t);
    return s;
}
