/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_ocsp_request.h"
#include "t.h"

#include "certs.h"

#include <gnutls/ocsp.h>
#include <string.h>

#define AIA "1.3.6.1.5.5.7.1.1"
#define OCSP "\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x01"
#define ISSUERS "\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x02"
#define SPAN(text) {(const uint8_t *)(text), sizeof(text) - 1}

START_TEST(finds_the_first_http_address_of_a_responder) /* F3 */
{
    static const struct {
        const char *why;
        struct span value;
        const char *url;
    } rows[] = {
        {"the usual", SPAN("\x30\x18\x30\x16" OCSP "\x86\x0ahttp://a/x"), "http://a/x"},
        {"behind the address of the issuer", SPAN("\x30\x30\x30\x16" ISSUERS "\x86\x0ahttp://i/x\x30\x16" OCSP "\x86\x0ahttp://a/x"), "http://a/x"},
        {"behind one that cannot be asked", SPAN("\x30\x30\x30\x16" OCSP "\x86\x0aldap://i/x\x30\x16" OCSP "\x86\x0ahttp://a/x"), "http://a/x"},
        {"https", SPAN("\x30\x19\x30\x17" OCSP "\x86\x0bhttps://a/x"), NULL},
        {"a name that is no address", SPAN("\x30\x18\x30\x16" OCSP "\x82\x0ahttp://a/x"), NULL},
        {"a user name", SPAN("\x30\x18\x30\x16" OCSP "\x86\x0ahttp://a@x"), NULL},
        {"not well-formed", SPAN("\x30\x18\x30\x17" OCSP "\x86\x0ahttp://a/x"), NULL},
    };
    struct certs leaf;
    struct tls_cert cert;
    struct span url = {NULL, 0};
    certs_make(&(struct certs_order){.cn = "leaf", .extension = AIA, .extension_value = rows[_i].value}, &leaf);
    ck_assert_int_eq(tls_cert_read(leaf.der, &cert), 0);
    ck_assert_msg(tls_ocsp_request_find_url(&cert, &url) == (rows[_i].url != NULL), "%s", rows[_i].why);
    ck_assert_msg(rows[_i].url == NULL || span_equals_str(url, rows[_i].url), "%s", rows[_i].why);
    certs_clear(&leaf);
}
END_TEST

START_TEST(asks_as_others_understand_it)
{
    struct certs root, leaf;
    struct tls_cert cert, issuer;
    uint8_t der[256], narrow[60];
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &root);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &root, .serial = UINT64_C(0x8123456789abcdef)}, &leaf);
    ck_assert(tls_cert_read(leaf.der, &cert) == 0 && tls_cert_read(root.der, &issuer) == 0);
    size_t n = tls_ocsp_request_make(&cert, &issuer, der, sizeof(der));
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_eq(tls_ocsp_request_make(&cert, &issuer, narrow, sizeof(narrow)), 0);

    gnutls_ocsp_req_t ours, theirs;
    gnutls_datum_t datum = {der, (unsigned)n}, same[2][3] = {{{NULL, 0}}};
    gnutls_digest_algorithm_t digest[2];
    ck_assert(gnutls_ocsp_req_init(&ours) == 0 && gnutls_ocsp_req_init(&theirs) == 0);
    ck_assert_int_eq(gnutls_ocsp_req_import(ours, &datum), 0);
    ck_assert_int_eq(gnutls_ocsp_req_add_cert(theirs, GNUTLS_DIG_SHA1, root.crt, leaf.crt), 0);
    ck_assert_int_eq(gnutls_ocsp_req_get_cert_id(ours, 0, &digest[0], &same[0][0], &same[0][1], &same[0][2]), 0);
    ck_assert_int_eq(gnutls_ocsp_req_get_cert_id(theirs, 0, &digest[1], &same[1][0], &same[1][1], &same[1][2]), 0);
    ck_assert_int_eq(digest[0], digest[1]);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(same[0][i].size == same[1][i].size && memcmp(same[0][i].data, same[1][i].data, same[0][i].size) == 0);
        gnutls_free(same[0][i].data);
        gnutls_free(same[1][i].data);
    }
    gnutls_ocsp_req_deinit(ours);
    gnutls_ocsp_req_deinit(theirs);
    certs_clear(&leaf);
    certs_clear(&root);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_ocsp_request");
    TCase *t = tcase_create("request");
    tcase_add_loop_test(t, finds_the_first_http_address_of_a_responder, 0, 7);
    tcase_add_test(t, asks_as_others_understand_it);
    suite_add_tcase(s, t);
    return s;
}
