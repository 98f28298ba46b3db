/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/pin.h"
#include "t.h"

#include <stdbool.h>
#include <string.h>

/* SHA-256 of nothing. */
#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define BASE64 "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static const unsigned char value[PIN_SIZE] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
                                              0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
                                              0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};

static const struct {
    const char *text;
    bool good;
    const char *why;
} rows[] = {
    {HEX, true, "hexadecimal"},
    {"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", true, "in upper case"},
    {"E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55", true, "as openssl prints it"},
    {BASE64, true, "base64"},
    {"sha256//" BASE64, true, "as curl wants it"},
    {"", false, "nothing"},
    {"sha256//", false, "no value"},
    {"sha256//" HEX, false, "a value that curl would not take"},
    {"SHA256//" BASE64, false, "another prefix"},
    {"sha1//" BASE64, false, "another algorithm"},
    {HEX "0", false, "a digit too many"},
    {HEX "\n", false, "a line end behind it"},
    {" " HEX, false, "a blank before it"},
    {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85", false, "a digit too few"},
    {"e:3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false, "a colon inside a byte"},
    {HEX ":", false, "a colon at the end"},
    {":" HEX, false, "a colon at the start"},
    {"e3::b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false, "two colons"},
    {"g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", false, "not a digit"},
    {"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU", false, "no padding"},
    {"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=", false, "the alphabet of URLs"},
    {"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=", false, "bits that no byte gets"},
    {"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==", false, "31 bytes"},
    {BASE64 "=", false, "padding too much"},
    {"2jmj7l5rSw0yVb/vlWAYkK/YBwk=", false, "a SHA-1"},
};

START_TEST(reads_a_pin_and_nothing_like_it)
{
    unsigned char out[PIN_SIZE];
    struct err err = {0};
    bool good = pin_parse(rows[_i].text, out, &err) == 0;
    ck_assert_msg(good == rows[_i].good, "%s: %s", rows[_i].text, rows[_i].why);
    ck_assert_msg(good ? memcmp(out, value, sizeof(value)) == 0 : strstr(err.text, "is not a pin") != NULL, "%s", rows[_i].why);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("pin");
    TCase *c = tcase_create("pin");
    tcase_add_loop_test(c, reads_a_pin_and_nothing_like_it, 0, sizeof(rows) / sizeof(rows[0]));
    suite_add_tcase(s, c);
    return s;
}
