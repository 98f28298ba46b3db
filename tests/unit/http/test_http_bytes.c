/* SPDX-License-Identifier: Apache-2.0 */
#include "http_bytes.h"
#include "t.h"

#include <string.h>

/* The RFCs' words, which the table must repeat. */
static bool belongs(int c, enum http_bytes_class class)
{
    bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    switch (class) {
    case HTTP_BYTES_TOKEN:
        return alnum || (c != 0 && c < 128 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
    case HTTP_BYTES_TARGET:
        return c > 0x20 && c < 0x7f && c != '#' && c != '%';
    case HTTP_BYTES_LOWER:
        return belongs(c, HTTP_BYTES_TOKEN) && !(c >= 'A' && c <= 'Z');
    case HTTP_BYTES_VALUE:
        return c == '\t' || (c >= 0x20 && c != 0x7f);
    }
    return false;
}

START_TEST(knows_every_byte_of_every_class)
{
    static const enum http_bytes_class classes[] = {HTTP_BYTES_TOKEN, HTTP_BYTES_TARGET, HTTP_BYTES_LOWER, HTTP_BYTES_VALUE};
    for (size_t i = 0; i < 4; i++)
        for (int c = 0; c < 256; c++) {
            uint8_t byte = (uint8_t)c;
            size_t n = http_bytes_run(span_of(&byte, 1), classes[i]);
            ck_assert_msg(n == (belongs(c, classes[i]) ? 1 : 0), "byte %02x in class %d", (unsigned)c,
                          (int)classes[i]);
        }
}
END_TEST

START_TEST(stops_at_the_first_byte_of_another_class)
{
    ck_assert_uint_eq(http_bytes_run(span_from_str("ab:c"), HTTP_BYTES_TOKEN), 2);
    ck_assert_uint_eq(http_bytes_run(span_from_str(""), HTTP_BYTES_TOKEN), 0);
}
END_TEST

/* Values are read by eight bytes. */
START_TEST(knows_every_byte_at_every_place_of_a_value)
{
    for (size_t at = 0; at < 20; at++)
        for (int c = 0; c < 256; c++) {
            uint8_t value[20];
            memset(value, at % 2 == 0 ? 'a' : 0xff, sizeof(value));
            value[at] = (uint8_t)c;
            size_t n = http_bytes_run(span_of(value, sizeof(value)), HTTP_BYTES_VALUE);
            ck_assert_msg(n == (belongs(c, HTTP_BYTES_VALUE) ? sizeof(value) : at), "byte %02x at %zu: %zu", (unsigned)c, at, n);
        }
}
END_TEST

START_TEST(knows_tokens)
{
    ck_assert(http_bytes_is_token(span_from_str("M-SEARCH")));
    ck_assert(!http_bytes_is_token(span_from_str("")));
    ck_assert(!http_bytes_is_token(span_from_str("GET ")));
    ck_assert(!http_bytes_is_token(span_from_str("G\303T")));
    ck_assert(http_bytes_is_lower(span_from_str("m-search")));
    ck_assert(!http_bytes_is_lower(span_from_str("")));
    ck_assert(!http_bytes_is_lower(span_from_str("m-Search")));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_bytes");
    TCase *tc = tcase_create("classes");
    tcase_add_test(tc, knows_every_byte_of_every_class);
    tcase_add_test(tc, stops_at_the_first_byte_of_another_class);
    tcase_add_test(tc, knows_every_byte_at_every_place_of_a_value);
    tcase_add_test(tc, knows_tokens);
    suite_add_tcase(s, tc);
    return s;
}
