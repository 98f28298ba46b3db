/* SPDX-License-Identifier: Apache-2.0 */
#include "certs.h"
#include "mtlsd/tls/tls_rekey.h"
#include "t.h"

#include <gnutls/x509.h>
#include <string.h>

static struct certs ca, leaf;
static uint8_t id[TLS_KEY_ID];

static void make(const struct certs_order *order)
{
    size_t n = sizeof(id);
    certs_make(&(struct certs_order){.cn = "CA", .ca = true}, &ca);
    struct certs_order full = *order;
    full.issuer = &ca;
    certs_make(&full, &leaf);
    ck_assert_int_eq(gnutls_x509_privkey_get_key_id(leaf.key, GNUTLS_KEYID_USE_SHA256, id, &n), 0);
}

static void clear(void)
{
    certs_clear(&leaf);
    certs_clear(&ca);
}

START_TEST(asks_for_the_same_names_with_a_new_key_of_the_same_kind)
{
    static const enum certs_key kinds[] = {CERTS_P256, CERTS_P384, CERTS_P521, CERTS_ED25519, CERTS_RSA_2048};
    make(&(struct certs_order){.cn = "me", .o = "Tests", .ou = "a", .second_ou = "b", .sans = {"dns:a.example", "uri:spiffe://x/y"}, .key = kinds[_i]});
    struct bytes key, request;
    struct err err = {0};
    gnutls_x509_crq_t crq;
    char text[200], names[200];
    size_t n = sizeof(text), m = sizeof(names);
    unsigned bits[2];
    ck_assert_int_eq(tls_rekey_new(leaf.pem, id, &key, &request, &err), 0);
    ck_assert_int_eq(gnutls_x509_crq_init(&crq), 0);
    const gnutls_datum_t der = {request.data, (unsigned)request.len};
    ck_assert_int_eq(gnutls_x509_crq_import(crq, &der, GNUTLS_X509_FMT_DER), 0);
    ck_assert_int_eq(gnutls_x509_crq_verify(crq, 0), 0);
    ck_assert_int_eq(gnutls_x509_crq_get_dn(crq, text, &n), 0);
    ck_assert_int_eq(gnutls_x509_crt_get_dn(leaf.crt, names, &m), 0);
    ck_assert_str_eq(text, names);
    ck_assert_int_eq(gnutls_x509_crq_get_pk_algorithm(crq, &bits[0]), gnutls_x509_crt_get_pk_algorithm(leaf.crt, &bits[1]));
    ck_assert_uint_eq(bits[0], bits[1]);
    n = sizeof(text);
    ck_assert_int_eq(gnutls_x509_crq_get_subject_alt_name(crq, 1, text, &n, NULL, NULL), GNUTLS_SAN_URI);
    ck_assert(memcmp(text, "spiffe://x/y", 12) == 0);
    ck_assert(!span_equals(bytes_span(&key), leaf.key_pem));
    gnutls_x509_crq_deinit(crq);
    bytes_wipe(&key);
    bytes_clear(&request);
    clear();
}
END_TEST

START_TEST(a_certificate_of_another_key_is_refused)
{
    struct bytes key, request;
    struct err err = {0};
    make(&(struct certs_order){.cn = "me"});
    ck_assert(tls_rekey_is_of(leaf.pem, id));
    ck_assert(!tls_rekey_is_of(ca.pem, id));
    ck_assert(!tls_rekey_is_of(span_from_str("text"), id));
    ck_assert_int_eq(tls_rekey_new(ca.pem, id, &key, &request, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "does not belong to the key"));
    ck_assert(key.len == 0 && request.len == 0);
    clear();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_rekey");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, asks_for_the_same_names_with_a_new_key_of_the_same_kind, 0, 5);
    tcase_add_test(c, a_certificate_of_another_key_is_refused);
    suite_add_tcase(s, c);
    return s;
}
