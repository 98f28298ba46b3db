/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "tls_pem.h"

#include <stdio.h>
#include <string.h>

START_TEST(gives_each_block_with_its_line)
{
    struct tls_pem_reader r;
    struct tls_pem_block block;
    struct err err = {0};
    struct span der;
    tls_pem_start(&r, "f.pem",
                  span_from_str("note\n-----BEGIN A-----\naGVs\nbG8=\n-----END A-----\r\n\n-----BEGIN B "
                                "C-----\r\nAA==\r\n-----END B C-----"));
    ck_assert_int_eq(tls_pem_next(&r, &block, &err), 1);
    ck_assert(span_equals_str(block.label, "A"));
    ck_assert_uint_eq(block.line, 2);
    ck_assert_int_eq(tls_pem_decode(&r, &block, &der, &err), 0);
    ck_assert(span_equals_str(der, "hello"));
    free((void *)(uintptr_t)der.ptr);
    ck_assert_int_eq(tls_pem_next(&r, &block, &err), 1);
    ck_assert(span_equals_str(block.label, "B C"));
    ck_assert_uint_eq(block.line, 7);
    ck_assert_int_eq(tls_pem_decode(&r, &block, &der, &err), 0);
    ck_assert_uint_eq(der.len, 1);
    free((void *)(uintptr_t)der.ptr);
    ck_assert_int_eq(tls_pem_next(&r, &block, &err), 0);
}
END_TEST

START_TEST(refuses_blocks_that_do_not_close)
{
    const struct {
        const char *text, *says;
    } rows[] = {
        {"-----BEGIN A-----\nAAAA\n", "f.pem:1: the block A has no END line"},
        {"x\n-----BEGIN A-----", "f.pem:2: the block A has no END line"},
        {"-----BEGIN A-----\nAAAA\n-----END B-----\n", "f.pem:3: the block that begins in line 1 (A) is cut"},
        {"-----BEGIN A-----\nAAAA\n-----BEGIN A-----\nAAAA\n-----END A-----\n",
         "f.pem:3: the block that begins in line 1 (A) is cut"},
        {"-----BEGIN A-----\nAAAA\n-----END A----\n", "f.pem:3: the block that begins in line 1 (A) is cut"},
        {"-----END A-----\n", "f.pem:1: an END line without its BEGIN"},
        {"-----BEGIN A----\n", "f.pem:1: a damaged BEGIN line"},
        {"-----BEGIN -----\n", "f.pem:1: a damaged BEGIN line"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_pem_reader r;
        struct tls_pem_block block;
        struct err err = {0};
        tls_pem_start(&r, "f.pem", span_from_str(rows[i].text));
        ck_assert_int_eq(tls_pem_next(&r, &block, &err), -1);
        ck_assert_msg(strstr(err.text, rows[i].says) != NULL, "%s (wanted: %s)", err.text, rows[i].says);
    }
}
END_TEST

START_TEST(reads_lines_of_any_length)
{
    static const char base64[] = "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw==";
    static const char *const between[] = {"\n", "\r\n", " \t\n"};
    for (size_t width = 1; width <= sizeof(base64); width++) {
        struct tls_pem_reader r;
        struct tls_pem_block block;
        struct err err = {0};
        struct span der;
        char text[512] = "-----BEGIN A-----\n";
        size_t n = strlen(text);
        for (size_t i = 0; i < sizeof(base64) - 1; i++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%c%s", base64[i], (i + 1) % width == 0 ? between[width % 3] : "");
        snprintf(text + n, sizeof(text) - n, "\n-----END A-----\n");
        tls_pem_start(&r, "f.pem", span_from_str(text));
        ck_assert_int_eq(tls_pem_next(&r, &block, &err), 1);
        ck_assert_msg(tls_pem_decode(&r, &block, &der, &err) == 0, "%zu: %s", width, err.text);
        ck_assert_msg(span_equals_str(der, "The quick brown fox jumps over the lazy dog"), "%zu", width);
        free((void *)(uintptr_t)der.ptr);
    }
}
END_TEST

START_TEST(refuses_bad_base64_with_its_line)
{
    const struct {
        const char *body, *where;
    } rows[] = {
        {"AA*A\n", "f.pem:2:"},
        {"AAAA\nAA-A\n", "f.pem:3:"},
        {"AAA\n", "f.pem:"},
        {"A\n", "f.pem:"},
        {"", "f.pem:"},
        {"====\n", "f.pem:2:"},
        {"AA=A\n", "f.pem:2:"},
        {"AA==\nAAAA\n", "f.pem:3:"},
        {"AAAAAAAAAAAA\nAAAAAA\377A\n", "f.pem:3:"},
        {"Proc-Type: 4,X\n\nAAAA\n", "f.pem:2:"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_pem_reader r;
        struct tls_pem_block block;
        struct err err = {0};
        struct span der;
        char text[128];
        snprintf(text, sizeof(text), "-----BEGIN A-----\n%s-----END A-----\n", rows[i].body);
        tls_pem_start(&r, "f.pem", span_from_str(text));
        ck_assert_int_eq(tls_pem_next(&r, &block, &err), 1);
        ck_assert_msg(tls_pem_decode(&r, &block, &der, &err) == -1, "%s", rows[i].body);
        ck_assert_msg(strncmp(err.text, rows[i].where, strlen(rows[i].where)) == 0, "%s (wanted: %s)",
                      err.text, rows[i].where);
    }
}
END_TEST

START_TEST(knows_where_a_block_belongs)
{
    static const char *const rows[][2] = {{"EC PRIVATE KEY", "bundle or key"}, {"ENCRYPTED PRIVATE KEY", "bundle or key"}, {"X509 CRL", "crl of a trust"},
                                          {"CERTIFICATE REQUEST", "not a certificate yet"}, {"NEW CERTIFICATE REQUEST", "not a certificate yet"},
                                          {"TRUSTED CERTIFICATE", "plain certificate"}, {"CERTIFICATE", "ca of a trust"}, {"PKCS7", "openssl pkcs7"},
                                          {"EC PARAMETERS", NULL}, {"", NULL}};
    const struct tls_pem_reader r = {.file = "f.pem"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct tls_pem_block block = {.label = span_from_str(rows[i][0]), .line = 7};
        struct err err = {0};
        char begin[100];
        int n = snprintf(begin, sizeof(begin), "f.pem:7: a block of kind %s does not belong in an identity", rows[i][0]);
        ck_assert_int_eq(tls_pem_refuse(&r, &block, "an identity", &err), -1);
        ck_assert_msg(strncmp(err.text, begin, (size_t)n) == 0, "%s", err.text);
        ck_assert_msg(rows[i][1] != NULL ? strstr(err.text + n, rows[i][1]) != NULL : err.text[n] == '\0', "%s", err.text);
    }
}
END_TEST

/* Certificates, keys and lists in DER are told from a PKCS#12 file, whatever their length. */
START_TEST(tells_pkcs12_from_other_der)
{
    static const struct {
        const char *bytes;
        size_t n;
        bool pkcs12;
    } rows[] = {{"\x30\x82\x05\x01\x02\x01\x03\x30", 8, true}, {"\x30\x81\xff\x02\x01\x03\x30", 7, true}, {"\x30\x80\x02\x01\x03\x30\x80", 7, false},
                {"\x30\x82\x05\x01\x02\x01\x00\x30", 8, false}, {"\x30\x82\x05\x01\x30\x82\x01\x03", 8, false}, {"\x30\x84\x00\x00\x05", 5, false},
                {"\x30\x82", 2, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = {0};
        ck_assert_int_eq(tls_pem_plausible("f", span_of(rows[i].bytes, rows[i].n), "a key", &err), -1);
        ck_assert_msg((strstr(err.text, "PKCS#12") != NULL) == rows[i].pkcs12, "row %zu: %s", i, err.text);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_pem");
    TCase *c = tcase_create("pem");
    tcase_add_test(c, knows_where_a_block_belongs);
    tcase_add_test(c, tells_pkcs12_from_other_der);
    tcase_add_test(c, gives_each_block_with_its_line);
    tcase_add_test(c, refuses_blocks_that_do_not_close);
    tcase_add_test(c, reads_lines_of_any_length);
    tcase_add_test(c, refuses_bad_base64_with_its_line);
    suite_add_tcase(s, c);
    return s;
}
