/* SPDX-License-Identifier: Apache-2.0 */
/* The names of whole requests are tested with tls_csr. */
#include "tls_csr_names.h"
#include "t.h"

#include <string.h>

#define BYTES(text) span_of(text, sizeof(text) - 1)
#define EMPTY BYTES("\x30\x00")

static struct tls_csr_names names;

static void drop(void)
{
    tls_csr_names_clear(&names);
}

START_TEST(writes_each_name_in_the_form_of_san)
{
    static const char san[] = "\x30\x20\x82\x02" "a." "\x82\x03*.b" "\x87\x04\x7f\0\0\1" "\x86\x05x://y" "\x81\x03" "a@b" "\x82\x03" "A-1";
    const struct tls_cert cert = {.subject = EMPTY, .san = BYTES(san)};
    struct err err = {0};
    ck_assert_msg(tls_csr_names_read(&cert, "f", &names, &err) == 0, "%s", err.text);
    static const char *const expected[] = {"dns:a", "dns:*.b", "ip:127.0.0.1", "uri:x://y", "email:a@b", "dns:A-1"};
    ck_assert_uint_eq(names.n, 6);
    for (size_t i = 0; i < 6; i++)
        ck_assert_str_eq(names.items[i], expected[i]);
}
END_TEST

START_TEST(refuses_more_names_than_the_maximum)
{
    uint8_t san[4 + 3 * (TLS_CSR_NAMES_MAX + 1)] = {0x30, 0x81};
    for (size_t n = TLS_CSR_NAMES_MAX; n <= TLS_CSR_NAMES_MAX + 1; n++) {
        struct err err = {0};
        for (size_t i = 0; i < n; i++)
            memcpy(san + 3 + 3 * i, "\x82\x01" "a", 3);
        san[2] = (uint8_t)(3 * n);
        const struct tls_cert cert = {.subject = EMPTY, .san = span_of(san, 3 + 3 * n)};
        int rc = tls_csr_names_read(&cert, "f", &names, &err);
        ck_assert_msg((rc == 0) == (n == TLS_CSR_NAMES_MAX), "%zu: %s", n, err.text);
        if (rc != 0)
            ck_assert_str_eq(err.text, "f: it has more than 64 names: make a new request with fewer, or give them with --san");
        tls_csr_names_clear(&names);
    }
}
END_TEST

static const struct {
    const char *why;
    struct span subject;
    bool fine;
} subjects[] = {
    {"empty", {(const uint8_t *)"\x30\x00", 2}, true},
    {"UTF8String", {(const uint8_t *)"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01" "a", 14}, true},
    {"BMPString", {(const uint8_t *)"\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x1e\x02\0a", 15}, false},
    {"broken UTF-8", {(const uint8_t *)"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01\xff", 14}, false},
    {"an attribute of another kind with NUL", {(const uint8_t *)"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x05\x0c\x01\0", 14}, false},
    {"no name", {(const uint8_t *)"\x31\x00", 2}, false},
};

START_TEST(a_subject_is_plain_text)
{
    const struct tls_cert cert = {.subject = subjects[_i].subject};
    struct err err = {0};
    ck_assert_msg((tls_csr_names_check_subject(&cert, "f", &err) == 0) == subjects[_i].fine, "%s: %s", subjects[_i].why, err.text);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_csr_names");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, NULL, drop);
    tcase_add_test(t, writes_each_name_in_the_form_of_san);
    tcase_add_test(t, refuses_more_names_than_the_maximum);
    tcase_add_loop_test(t, a_subject_is_plain_text, 0, (int)(sizeof(subjects) / sizeof(subjects[0])));
    suite_add_tcase(s, t);
    return s;
}
