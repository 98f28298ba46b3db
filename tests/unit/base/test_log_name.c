/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/log_name.h"
#include "t.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NOON = 1767268800 }; /* 2026-01-01T12:00:00Z */

START_TEST(writes_the_date_in_utc_behind_the_last_slash)
{
    static const struct {
        const char *target, *name;
    } rows[] = {
        {"access.log", "access.log"},
        {"/var/log/access.%Y-%m-%d.log", "/var/log/access.2026-01-01.log"},
        {"a%y%j-%H%M%S", "a26001-120007"},
        {"100%%.log", "100%.log"},
        {"/a%20b/x.%d", "/a%20b/x.01"},
    };
    char name[64];
    setenv("TZ", "Pacific/Auckland", 1);
    tzset();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_int_eq(log_name_write(rows[i].target, NOON + 7, name, sizeof(name)), 0);
        ck_assert_str_eq(name, rows[i].name);
        ck_assert_ptr_null(log_name_fault(rows[i].target));
    }
    unsetenv("TZ");
    tzset();
}
END_TEST

START_TEST(refuses_other_fields_and_fields_of_folders)
{
    char name[64];
    ck_assert_ptr_nonnull(strstr(log_name_fault("access.%n.log"), "%Y %y %m %d"));
    ck_assert_ptr_nonnull(strstr(log_name_fault("access.%"), "%Y %y %m %d"));
    ck_assert_ptr_nonnull(strstr(log_name_fault("%Y/access.log"), "folder"));
    ck_assert_int_eq(log_name_write("access.%n", NOON, name, sizeof(name)), -1);
    ck_assert_int_eq(log_name_write("access.%", NOON, name, sizeof(name)), -1);
}
END_TEST

START_TEST(refuses_what_does_not_fit)
{
    char name[20];
    for (size_t size = 1; size < sizeof("/a/b.2026"); size++)
        ck_assert_int_eq(log_name_write("/a/b.%Y", NOON, name, size), -1);
    ck_assert_int_eq(log_name_write("/a/b.%Y", NOON, name, sizeof("/a/b.2026")), 0);
    for (size_t size = 1; size < sizeof("/a/bc"); size++)
        ck_assert_int_eq(log_name_write("/a/bc", NOON, name, size), -1);
}
END_TEST

START_TEST(knows_when_to_look_again)
{
    ck_assert_int_eq(log_name_period(NOON + 7, 86400), NOON - 43200);
    ck_assert_int_eq(log_name_period(NOON + 7, 0), NOON + 7);
    ck_assert_int_eq(log_name_next("a", NOON + 7, 86400), NOON + 43200);
    ck_assert_int_eq(log_name_next("a", NOON, 3600), NOON + 3600);
    ck_assert_int_eq(log_name_next("a.%Y", NOON + 7, 0), NOON + 60);
    ck_assert_int_eq(log_name_next("a.%S", NOON + 7, 0), NOON + 8);
    ck_assert(log_name_has_fields("a.%d") && !log_name_has_fields("a.%%") && !log_name_has_fields("/%d/a"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("log_name");
    TCase *t = tcase_create("log_name");
    tcase_add_test(t, writes_the_date_in_utc_behind_the_last_slash);
    tcase_add_test(t, refuses_other_fields_and_fields_of_folders);
    tcase_add_test(t, refuses_what_does_not_fit);
    tcase_add_test(t, knows_when_to_look_again);
    suite_add_tcase(s, t);
    return s;
}
