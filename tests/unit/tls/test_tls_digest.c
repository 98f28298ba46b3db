/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_digest.h"
#include "t.h"

#include <string.h>

START_TEST(sha1_is_that_of_the_standard) /* RFC 3174 section 7.3 */
{
    static const uint8_t abc[] = {0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
                                  0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d};
    uint8_t out[TLS_DIGEST_SHA1_SIZE];
    ck_assert_int_eq(tls_digest_sha1(span_from_str("abc"), out), 0);
    ck_assert_int_eq(memcmp(out, abc, sizeof(abc)), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_digest");
    TCase *c = tcase_create("sha1");
    tcase_add_test(c, sha1_is_that_of_the_standard);
    suite_add_tcase(s, c);
    return s;
}
