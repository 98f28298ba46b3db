/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_maker.h"
#include "t.h"

#include <string.h>

START_TEST(serial_numbers_are_positive_and_short)
{
    static const struct {
        uint64_t serial;
        size_t len;
        uint8_t first;
        const char *why;
    } rows[] = {
        {0, 1, 0, "zero is one byte"},          {1, 1, 1, "so is one"},
        {127, 1, 127, "the largest of one"},    {128, 2, 0, "a leading zero keeps it positive"},
        {256, 2, 1, "no zero where none is needed"}, {UINT64_MAX, 9, 0, "the largest"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t raw[9];
        struct span der = tls_maker_serial(rows[i].serial, raw);
        ck_assert_msg(der.len == rows[i].len && der.ptr[0] == rows[i].first, "%s", rows[i].why);
    }
}
END_TEST

START_TEST(refuses_what_is_no_name)
{
    static const char *const wrong[] = {"a.example", "dns:", "ip:300.1.1.1", "ip:", "host:a", ""};
    struct tls_maker m;
    struct err err = {0};
    ck_assert_int_eq(tls_maker_init(&m, &err), 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        err = (struct err){0};
        ck_assert_int_eq(tls_maker_san(&m, wrong[i], &err), -1);
        ck_assert_int_eq(err.kind, ERR_USAGE);
    }
    tls_maker_clear(&m);
    tls_maker_clear(&m);
}
END_TEST

START_TEST(tells_memory_from_other_failures)
{
    struct err err = {0};
    ck_assert_int_eq(tls_maker_failed(&err, "a step", GNUTLS_E_MEMORY_ERROR), -1);
    ck_assert_int_eq(err.kind, ERR_MEMORY);
    err = (struct err){0};
    tls_maker_failed(&err, "a step", GNUTLS_E_PK_SIGN_FAILED);
    ck_assert_int_eq(err.kind, ERR_CREDENTIAL);
    ck_assert_ptr_nonnull(strstr(err.text, "a step: "));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_maker");
    TCase *c = tcase_create("all");
    tcase_add_test(c, serial_numbers_are_positive_and_short);
    tcase_add_test(c, refuses_what_is_no_name);
    tcase_add_test(c, tells_memory_from_other_failures);
    suite_add_tcase(s, c);
    return s;
}
