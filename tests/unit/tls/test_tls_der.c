/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "tls_der.h"

#include <string.h>

#define SPAN(bytes)                                                                                          \
    {                                                                                                        \
        (const uint8_t *)(bytes), sizeof(bytes) - 1                                                          \
    }

START_TEST(takes_elements_apart)
{
    static const struct span two = SPAN("\x02\x01\x05\x04\x02"
                                        "ab");
    struct span rest = two;
    struct tls_der e;
    ck_assert_int_eq(tls_der_expect(&rest, DER_OCTET_STRING, &e), -1);
    ck_assert_uint_eq(rest.len, two.len); /* a refusal does not move */
    ck_assert_int_eq(tls_der_next(&rest, &e), 0);
    ck_assert_uint_eq(e.tag, DER_INTEGER);
    ck_assert_uint_eq(e.whole.len, 3);
    ck_assert_uint_eq(e.value.len, 1);
    ck_assert(tls_der_peek(rest, DER_OCTET_STRING));
    ck_assert_int_eq(tls_der_expect(&rest, DER_OCTET_STRING, &e), 0);
    ck_assert(span_equals_str(e.value, "ab"));
    ck_assert_int_eq(tls_der_next(&rest, &e), -1);
}
END_TEST

START_TEST(refuses_what_is_not_strict)
{
    static const struct {
        const char *why;
        struct span bytes;
    } rows[] = {
        {"nothing", SPAN("")},
        {"a tag alone", SPAN("\x04")},
        {"more promised than there is", SPAN("\x04\x03"
                                             "ab")},
        {"a long form for a short length", SPAN("\x04\x81\x01"
                                                "a")},
        {"a leading zero in the length", SPAN("\x04\x82\x00\x01"
                                              "a")},
        {"an indefinite length", SPAN("\x24\x80\x00\x00")},
        {"a length that is cut", SPAN("\x04\x82\x01")},
        {"a length of five bytes", SPAN("\x04\x85\x01\x00\x00\x00\x00")},
        {"four gigabytes", SPAN("\x04\x84\xff\xff\xff\xff"
                                "a")},
        {"a tag of many bytes", SPAN("\x1f\x81\x01\x00")},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span rest = rows[i].bytes;
        struct tls_der e;
        ck_assert_msg(tls_der_next(&rest, &e) == -1, "%s", rows[i].why);
    }
}
END_TEST

START_TEST(reads_times)
{
    static const struct {
        const char *text;
        uint8_t tag;
        int64_t seconds; /* -1: refused */
    } rows[] = {
        {"700101000000Z", DER_UTC_TIME, 0},
        {"260115120000Z", DER_UTC_TIME, 1768478400},
        {"491231235959Z", DER_UTC_TIME, 2524607999},
        {"500101000000Z", DER_UTC_TIME, -631152000},
        {"240229000000Z", DER_UTC_TIME, 1709164800},
        {"20500101000000Z", DER_GENERALIZED_TIME, 2524608000},
        {"99991231235959Z", DER_GENERALIZED_TIME, 253402300799},
        {"2601151200Z", DER_UTC_TIME, -1},
        {"260115120000+0100", DER_UTC_TIME, -1},
        {"260115120000z", DER_UTC_TIME, -1},
        {"261315120000Z", DER_UTC_TIME, -1},
        {"260100120000Z", DER_UTC_TIME, -1},
        {"260115240000Z", DER_UTC_TIME, -1},
        {"26011512000 Z", DER_UTC_TIME, -1},
        {"20260115120000.5Z", DER_GENERALIZED_TIME, -1},
        {"260115120000Z", DER_GENERALIZED_TIME, -1},
        {"20260115120000Z", DER_UTC_TIME, -1},
        {"20260115120000Z", DER_OCTET_STRING, -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_der e = {.tag = rows[i].tag, .value = span_from_str(rows[i].text)};
        int64_t seconds = 0;
        int rc = tls_der_time(&e, &seconds);
        ck_assert_msg(rc == (rows[i].seconds == -1 ? -1 : 0), "%s", rows[i].text);
        ck_assert_msg(rc != 0 || seconds == rows[i].seconds, "%s: %lld", rows[i].text, (long long)seconds);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_der");
    TCase *c = tcase_create("der");
    tcase_add_test(c, takes_elements_apart);
    tcase_add_test(c, refuses_what_is_not_strict);
    tcase_add_test(c, reads_times);
    suite_add_tcase(s, c);
    return s;
}
