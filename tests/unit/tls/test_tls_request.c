/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_request.h"
#include "t.h"

#include <gnutls/x509.h>
#include <string.h>

static const char *const sans[] = {"dns:a.example", "ip:127.0.0.1", "ip:::1", "uri:spiffe://x/y", "email:a@b.example"};

static gnutls_x509_crq_t parse(const struct bytes *pem)
{
    gnutls_x509_crq_t crq;
    gnutls_datum_t text = {pem->data + pem->head, (unsigned)pem->len};
    ck_assert_int_eq(gnutls_x509_crq_init(&crq), 0);
    ck_assert_int_eq(gnutls_x509_crq_import(crq, &text, GNUTLS_X509_FMT_PEM), 0);
    return crq;
}

static gnutls_x509_crq_t request(const struct tls_request_order *order)
{
    struct bytes csr, key;
    struct err err = {0};
    ck_assert_msg(tls_request_new(order, &csr, &key, &err) == 0, "%s", err.text);
    ck_assert_int_eq(memcmp(csr.data + csr.head, "-----BEGIN CERTIFICATE REQUEST-----\n", 36), 0);
    ck_assert_int_eq(memcmp(key.data + key.head, "-----BEGIN PRIVATE KEY-----\n", 28), 0);
    gnutls_x509_crq_t crq = parse(&csr);
    bytes_clear(&csr);
    bytes_wipe(&key);
    return crq;
}

START_TEST(a_request_is_signed_with_its_own_new_key)
{
    static const struct {
        bool rsa;
        int algorithm;
        unsigned bits;
    } kinds[] = {{false, GNUTLS_PK_ECDSA, 256}, {true, GNUTLS_PK_RSA, 3072}};
    struct tls_request_order order = {.cn = "leaf", .rsa = kinds[_i].rsa};
    gnutls_x509_crq_t crq = request(&order);
    unsigned bits = 0;
    ck_assert_int_eq(gnutls_x509_crq_verify(crq, 0), 0);
    ck_assert_int_eq(gnutls_x509_crq_get_pk_algorithm(crq, &bits), kinds[_i].algorithm);
    ck_assert_uint_eq(bits, kinds[_i].bits);
    gnutls_x509_crq_deinit(crq);
}
END_TEST

START_TEST(carries_subject_and_names_and_marks_no_name_critical)
{
    static const int types[] = {GNUTLS_SAN_DNSNAME, GNUTLS_SAN_IPADDRESS, GNUTLS_SAN_IPADDRESS, GNUTLS_SAN_URI, GNUTLS_SAN_RFC822NAME};
    struct tls_request_order order = {.cn = "leaf", .ou = "unit", .o = "org", .sans = sans, .n_sans = 5, .client = true};
    gnutls_x509_crq_t crq = request(&order);
    char text[128];
    size_t n = sizeof(text);
    unsigned critical = 9;
    ck_assert_int_eq(gnutls_x509_crq_get_dn(crq, text, &n), 0);
    ck_assert_str_eq(text, "O=org,OU=unit,CN=leaf");
    for (unsigned i = 0; i < 5; i++) {
        n = sizeof(text);
        ck_assert_int_eq(gnutls_x509_crq_get_subject_alt_name(crq, i, text, &n, NULL, &critical), types[i]);
        ck_assert_uint_eq(critical, 0);
    }
    gnutls_x509_crq_deinit(crq);
}
END_TEST

static const struct {
    bool client, server;
    const char *oids[2];
} purposes[] = {
    {false, false, {NULL, NULL}},
    {true, false, {GNUTLS_KP_TLS_WWW_CLIENT, NULL}},
    {false, true, {GNUTLS_KP_TLS_WWW_SERVER, NULL}},
    {true, true, {GNUTLS_KP_TLS_WWW_SERVER, GNUTLS_KP_TLS_WWW_CLIENT}},
};

START_TEST(names_the_purposes_that_were_asked_for_and_no_other)
{
    struct tls_request_order order = {.cn = "leaf", .client = purposes[_i].client, .server = purposes[_i].server};
    gnutls_x509_crq_t crq = request(&order);
    unsigned critical = 0, n = 0;
    char oid[64];
    for (; n < 3; n++) {
        size_t size = sizeof(oid);
        if (gnutls_x509_crq_get_key_purpose_oid(crq, n, oid, &size, &critical) != 0)
            break;
        ck_assert_str_eq(oid, purposes[_i].oids[n]);
    }
    ck_assert_uint_eq(n, (unsigned)(purposes[_i].oids[0] != NULL) + (unsigned)(purposes[_i].oids[1] != NULL));
    gnutls_x509_crq_deinit(crq);
}
END_TEST

START_TEST(refuses_a_name_it_does_not_understand)
{
    const char *wrong[] = {"localhost"};
    struct tls_request_order order = {.cn = "leaf", .sans = wrong, .n_sans = 1};
    struct bytes csr, key;
    struct err err = {0};
    ck_assert_int_ne(tls_request_new(&order, &csr, &key, &err), 0);
    ck_assert_int_eq(err.kind, ERR_USAGE);
    ck_assert_ptr_null(csr.data);
    ck_assert_ptr_null(key.data);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_request");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, a_request_is_signed_with_its_own_new_key, 0, 2);
    tcase_add_test(t, carries_subject_and_names_and_marks_no_name_critical);
    tcase_add_loop_test(t, names_the_purposes_that_were_asked_for_and_no_other, 0, 4);
    tcase_add_test(t, refuses_a_name_it_does_not_understand);
    suite_add_tcase(s, t);
    return s;
}
