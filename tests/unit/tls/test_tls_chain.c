/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_chain.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

#define CERT(body) "-----BEGIN CERTIFICATE-----\n" body "\n-----END CERTIFICATE-----\n"
#define KEY "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"

START_TEST(keeps_the_order_and_passes_over_keys)
{
    struct tls_chain chain;
    struct err err = {0};
    const char *text = "subject=whatever\n" CERT("AQ==") KEY CERT("Ag==");
    ck_assert_msg(tls_chain_read(&chain, span_from_str(text), "f.pem", &err) == 0, "%s", err.text);
    ck_assert_uint_eq(chain.n, 2);
    ck_assert(span_equals_str(chain.ders[0], "\x01"));
    ck_assert(span_equals_str(chain.ders[1], "\x02"));
    tls_chain_clear(&chain);
}
END_TEST

/* A3 */
static const struct {
    const char *text, *says, *why;
} broken[] = {
    {"", "f.pem", "an empty file"},
    {"hello\n", "f.pem", "no PEM at all"},
    {"\x30\x82\x01\x02", "f.pem", "DER"},
    {KEY, "f.pem: holds no certificate", "a key alone"},
    {"-----BEGIN CERTIFICATE-----\nAQ==\n", "f.pem:1", "cut before its END"},
    {CERT("AQ==") "-----BEGIN CERTIFICATE-----\n*%$\n-----END CERTIFICATE-----\n", "line 4", "the second block is not base64"},
    {CERT("AQ==") "-----BEGIN CERTIFICATE-----\nAQ==\n", "f.pem:4", "the second block is cut"},
};

START_TEST(refuses_a_broken_file_with_its_line)
{
    struct tls_chain chain;
    struct err err = {0};
    ck_assert_msg(tls_chain_read(&chain, span_from_str(broken[_i].text), "f.pem", &err) != 0, "%s: accepted", broken[_i].why);
    ck_assert_int_eq(err.kind, ERR_CREDENTIAL);
    ck_assert_msg(strstr(err.text, broken[_i].says) != NULL, "%s: %s", broken[_i].why, err.text);
    ck_assert_uint_eq(chain.n, 0);
    ck_assert_ptr_null(chain.ders);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_chain");
    TCase *t = tcase_create("all");
    tcase_add_test(t, keeps_the_order_and_passes_over_keys);
    tcase_add_loop_test(t, refuses_a_broken_file_with_its_line, 0, (int)(sizeof(broken) / sizeof(broken[0])));
    suite_add_tcase(s, t);
    return s;
}
