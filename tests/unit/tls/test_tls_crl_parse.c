/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "certs.h"
#include "tls_crl_seal.h"

#include <string.h>

static struct certs ca, other;
static struct certs_crl crl;

static void make(void)
{
    static const uint64_t serials[] = {5, 0x8000, 77};
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &ca);
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &other);
    certs_make_crl(&(struct certs_crl_order){.issuer = &ca, .serials = serials, .n_serials = 3}, &crl);
}

static void clear(void)
{
    certs_crl_clear(&crl);
    certs_clear(&other);
    certs_clear(&ca);
}

START_TEST(takes_a_list_apart)
{
    struct tls_crl_parsed list;
    struct err err = {0};
    ck_assert_msg(tls_crl_parse(crl.der, "f", &list, &err) == 0, "%s", err.text);
    ck_assert_int_eq(list.this_update, CERTS_NOW - CERTS_DAY);
    ck_assert_int_eq(list.next_update, CERTS_NOW + 7 * CERTS_DAY);
    struct span rest = list.entries, serial;
    uint64_t sum = 0;
    for (size_t n = 0; n < 3; n++) {
        ck_assert_int_eq(tls_crl_next_entry(&rest, &serial), 0);
        ck_assert_uint_ne(serial.ptr[0], 0); /* without leading zeros */
        uint64_t value = 0;
        for (size_t i = 0; i < serial.len; i++)
            value = value << 8 | serial.ptr[i];
        sum += value;
    }
    ck_assert_uint_eq(rest.len, 0);
    ck_assert_uint_eq(sum, 5 + 0x8000 + 77);
}
END_TEST

START_TEST(takes_leading_zeros_off_a_serial)
{
    ck_assert(span_equals(tls_cert_serial_digits(span_of("\0\0\x05", 3)), span_of("\x05", 1)));
    ck_assert(span_equals(tls_cert_serial_digits(span_of("\0", 1)), span_of("\0", 1)));
}
END_TEST

/* F1: an entry that names another issuer makes the list indirect, whatever the list itself says. */
START_TEST(f1_refuses_an_entry_with_a_critical_extension)
{
    static const uint8_t entry[] =
        "\x30\x21\x02\x01\x05\x17\x0d"
        "260101000000Z\x30\x0d\x30\x0b\x06\x03\x55\x1d\x1d\x01\x01\xff\x04\x01\x00";
    uint8_t copy[sizeof(entry)];
    memcpy(copy, entry, sizeof(entry));
    struct span rest = span_of(copy, sizeof(entry) - 1), serial;
    ck_assert_int_eq(tls_crl_next_entry(&rest, &serial), -1);
    copy[28] = 0x15; /* reasonCode instead of certificateIssuer */
    rest = span_of(copy, sizeof(entry) - 1);
    ck_assert_int_eq(tls_crl_next_entry(&rest, &serial), 0);
}
END_TEST

START_TEST(f1_survives_every_cut_and_believes_no_changed_byte)
{
    struct tls_crl_parsed list;
    for (size_t cut = 0; cut < crl.der.len; cut++) {
        struct span part = span_of(crl.der.ptr, cut);
        struct span copy = certs_join(&part, 1);
        ck_assert_int_eq(tls_crl_parse(copy, "f", &list, NULL), -1);
        certs_free(copy);
    }
    uint8_t *bytes = (uint8_t *)(uintptr_t)crl.der.ptr;
    for (size_t i = 0; i < crl.der.len; i++) {
        bytes[i] ^= 0x10;
        struct tls_crl_seal seal;
        bool believed = tls_crl_parse(crl.der, "f", &list, NULL) == 0 && tls_crl_seal_make(&list, &seal) == 0 && tls_crl_seal_is_of(&seal, ca.crt);
        ck_assert_msg(!believed, "byte %zu", i);
        bytes[i] ^= 0x10;
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_crl_parse");
    TCase *c = tcase_create("parse");
    tcase_add_checked_fixture(c, make, clear);
    tcase_add_test(c, takes_a_list_apart);
    tcase_add_test(c, takes_leading_zeros_off_a_serial);
    tcase_add_test(c, f1_refuses_an_entry_with_a_critical_extension);
    tcase_add_test(c, f1_survives_every_cut_and_believes_no_changed_byte);
    suite_add_tcase(s, c);
    return s;
}
