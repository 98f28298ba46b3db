/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens themselves are in tests/system/test_key_sources.py. */
#include "mtlsd/tls/tls_token_uri.h"
#include "t.h"

#include <string.h>

START_TEST(knows_a_uri_by_its_scheme)
{
    ck_assert(tls_token_uri("pkcs11:token=web;object=shop"));
    ck_assert(!tls_token_uri("/etc/pkcs11:x"));
    ck_assert(!tls_token_uri("pkcs11.pem"));
    ck_assert(!tls_token_uri(""));
}
END_TEST

START_TEST(says_what_to_do_where_there_is_no_such_certificate)
{
    static const char *const uris[] = {"pkcs11:token=there-is-none;object=x", "pkcs11:%"};
    for (size_t i = 0; i < 2; i++) {
        struct err err = {0};
        struct bytes pem;
        ck_assert_int_ne(tls_token_uri_certificate(uris[i], &pem, &err), 0);
        ck_assert_msg(strstr(err.text, uris[i]) == err.text && strstr(err.text, "the certificate cannot be read") != NULL, "%s", err.text);
        ck_assert_ptr_null(pem.data);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_token_uri");
    TCase *t = tcase_create("tls_token_uri");
    tcase_add_test(t, knows_a_uri_by_its_scheme);
    tcase_add_test(t, says_what_to_do_where_there_is_no_such_certificate);
    suite_add_tcase(s, t);
    return s;
}
