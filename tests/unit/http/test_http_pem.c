/* SPDX-License-Identifier: Apache-2.0 */
#include "http_pem.h"
#include "t.h"

#include <stdlib.h>
#include <string.h>

START_TEST(breaks_lines_after_64_letters_and_encodes_every_mark)
{
    uint8_t der[50];
    memset(der, 0xff, sizeof(der)); /* '/' in base64 */
    struct bytes out;
    bytes_init(&out, 4096);
    ck_assert_int_eq(http_pem_append_encoded(&out, span_of(der, sizeof(der))), 0);
    char *text = span_dup(bytes_span(&out));
    char wanted[1024] = "-----BEGIN%20CERTIFICATE-----%0A";
    for (int i = 0; i < 64; i++)
        strncat(wanted, "%2F", sizeof(wanted) - strlen(wanted) - 1);
    strncat(wanted, "%0A%2F%2F8%3D%0A-----END%20CERTIFICATE-----%0A", sizeof(wanted) - strlen(wanted) - 1);
    ck_assert_str_eq(text, wanted);
    free(text);
    bytes_clear(&out);
}
END_TEST

START_TEST(says_so_when_there_is_no_room)
{
    for (size_t room = 0; room < 60; room++) {
        struct bytes out;
        bytes_init(&out, room);
        ck_assert_int_eq(http_pem_append_encoded(&out, span_from_str("abc")), -1);
        bytes_clear(&out);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_pem");
    TCase *t = tcase_create("http_pem");
    tcase_add_test(t, breaks_lines_after_64_letters_and_encodes_every_mark);
    tcase_add_test(t, says_so_when_there_is_no_room);
    suite_add_tcase(s, t);
    return s;
}
