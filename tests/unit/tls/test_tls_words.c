/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_words.h"
#include "t.h"

#include <string.h>

/* As "openssl ciphers -stdname" has them. */
START_TEST(names_suites_as_openssl_does)
{
    static const struct {
        const char *iana, *openssl;
    } rows[] = {
        {"TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"},
        {"TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"},
        {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
        {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
        {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
        {"TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", "ECDHE-ECDSA-AES256-CCM8"},
        {"TLS_DHE_RSA_WITH_AES_128_CCM", "DHE-RSA-AES128-CCM"},
        {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", "ECDHE-ECDSA-AES256-SHA384"},
        {"TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "DHE-RSA-AES128-SHA"},
        {"TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"},
        {"TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"},
        {"something else", "something else"},
        {"", ""},
        {NULL, ""},
    };
    char out[TLS_WORDS_SIZE];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tls_words_suite(rows[i].iana, out);
        ck_assert_str_eq(out, rows[i].openssl);
    }
}
END_TEST

START_TEST(names_versions_as_openssl_does)
{
    static const char *const rows[][2] = {{"TLS1.3", "TLSv1.3"}, {"TLS1.2", "TLSv1.2"}, {"TLSv1.2", "TLSv1.2"}, {"DTLS1.2", "DTLS1.2"}, {"", ""}};
    char out[TLS_WORDS_SIZE];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tls_words_version(rows[i][0], out);
        ck_assert_str_eq(out, rows[i][1]);
    }
    tls_words_version(NULL, out);
    ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(a_name_too_long_is_none)
{
    char name[2 * TLS_WORDS_SIZE], out[TLS_WORDS_SIZE];
    memset(name, 'x', sizeof(name));
    for (size_t n = TLS_WORDS_SIZE - 2; n < sizeof(name); n++) {
        char kept = name[n];
        name[n] = '\0';
        tls_words_suite(name, out);
        ck_assert_uint_eq(strlen(out), n < TLS_WORDS_SIZE ? n : 0);
        tls_words_version(name, out);
        ck_assert_uint_eq(strlen(out), n < TLS_WORDS_SIZE ? n : 0);
        name[n] = kept;
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_words");
    TCase *t = tcase_create("words");
    tcase_add_test(t, names_suites_as_openssl_does);
    tcase_add_test(t, names_versions_as_openssl_does);
    tcase_add_test(t, a_name_too_long_is_none);
    suite_add_tcase(s, t);
    return s;
}
