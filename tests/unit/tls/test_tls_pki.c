/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_pki.h"
#include "mtlsd/tls/tls_chain.h"
#include "t.h"

#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>

#define NOW ((int64_t)1800000000)
#define DAY ((int64_t)86400)

static struct tls_pki_pair ca;

static void make_ca(void)
{
    struct err err = {0};
    ck_assert_msg(tls_pki_new_ca("test CA", NOW - DAY, NOW + 365 * DAY, &ca, &err) == 0, "%s", err.text);
}

static void drop_ca(void)
{
    tls_pki_pair_clear(&ca);
}

static const char *const sans[] = {"dns:a.example", "ip:127.0.0.1", "ip:::1", "uri:spiffe://x/y", "email:a@b.example"};

static struct tls_pki_order order_of(enum tls_pki_bad bad)
{
    return (struct tls_pki_order){.cn = "leaf", .ou = "unit", .o = "org", .sans = sans, .n_sans = 5, .purpose = TLS_PURPOSE_CLIENT,
                                  .not_before = NOW - DAY, .not_after = NOW + 30 * DAY, .bad = bad};
}

static int issue(const struct tls_pki_order *order, uint64_t serial, struct tls_pki_pair *out, struct err *err)
{
    return tls_pki_issue(bytes_span(&ca.certificate), bytes_span(&ca.key), order, serial, out, err);
}

static gnutls_x509_crt_t parse(const struct bytes *pem)
{
    gnutls_x509_crt_t crt;
    gnutls_datum_t text = {pem->data + pem->head, (unsigned)pem->len};
    ck_assert_int_eq(gnutls_x509_crt_init(&crt), 0);
    ck_assert_int_eq(gnutls_x509_crt_import(crt, &text, GNUTLS_X509_FMT_PEM), 0);
    return crt;
}

START_TEST(every_kind_has_a_word_and_a_status)
{
    for (enum tls_pki_bad bad = TLS_PKI_GOOD; bad < TLS_PKI_BAD_COUNT; bad++) {
        ck_assert_ptr_nonnull(tls_pki_bad_word(bad));
        ck_assert_int_eq(tls_pki_bad_find(tls_pki_bad_word(bad)), bad);
        ck_assert_int_ne(tls_pki_bad_status(bad), REASON_UNDECIDED);
    }
    ck_assert_int_eq(tls_pki_bad_find("no such kind"), TLS_PKI_BAD_COUNT);
    ck_assert_int_eq(tls_pki_bad_find(""), TLS_PKI_BAD_COUNT);
}
END_TEST

START_TEST(every_kind_can_be_issued_and_parsed)
{
    struct tls_pki_order order = order_of((enum tls_pki_bad)_i);
    struct tls_pki_pair pair;
    struct err err = {0};
    ck_assert_msg(issue(&order, 7, &pair, &err) == 0, "%s: %s", tls_pki_bad_word(order.bad), err.text);
    gnutls_x509_crt_t crt = parse(&pair.certificate);
    gnutls_x509_privkey_t key;
    gnutls_datum_t text = {pair.key.data, (unsigned)pair.key.len};
    ck_assert_int_eq(gnutls_x509_privkey_init(&key), 0);
    ck_assert_int_eq(gnutls_x509_privkey_import(key, &text, GNUTLS_X509_FMT_PEM), 0);
    uint8_t a[64], b[64];
    size_t na = sizeof(a), nb = sizeof(b);
    ck_assert_int_eq(gnutls_x509_crt_get_key_id(crt, 0, a, &na), 0);
    ck_assert_int_eq(gnutls_x509_privkey_get_key_id(key, 0, b, &nb), 0);
    ck_assert_msg(na == nb && memcmp(a, b, na) == 0, "the key is not the certificate's");
    gnutls_x509_privkey_deinit(key);
    gnutls_x509_crt_deinit(crt);
    tls_pki_pair_clear(&pair);
}
END_TEST

/* A4, B1, A3: the judge gives each kind the status promised for it. */
START_TEST(the_judge_gives_every_kind_its_status)
{
    static const char *const names[] = {"a.example"};
    enum tls_pki_bad bad = (enum tls_pki_bad)(_i / 2);
    struct tls_pki_order order = order_of(bad);
    order.purpose = _i % 2 == 0 ? TLS_PURPOSE_CLIENT : TLS_PURPOSE_SERVER;
    if (bad == TLS_PKI_NO_SAN && order.purpose == TLS_PURPOSE_CLIENT)
        return; /* nobody expects a name of a client */
    struct tls_pki_pair pair;
    struct tls_chain chain;
    struct err err = {0};
    struct tls_file file = {.name = "ca.pem", .text = bytes_span(&ca.certificate)};
    struct tls_trust_spec spec = {.name = "t", .ca = &file, .n_ca = 1, .depth = 8, .min_rsa_bits = 2048};
    struct tls_trust *trust = tls_trust_new(&spec, NOW, NULL, &err);
    ck_assert_msg(trust != NULL, "%s", err.text);
    ck_assert_int_eq(issue(&order, 7, &pair, &err), 0);
    ck_assert_int_eq(tls_chain_read(&chain, bytes_span(&pair.certificate), "leaf", &err), 0);
    struct tls_question q = {.trust = trust, .purpose = order.purpose, .now = NOW};
    if (order.purpose == TLS_PURPOSE_SERVER) {
        q.names = names;
        q.n_names = 1;
    }
    struct tls_verdict verdict;
    tls_judge(&q, chain.ders, chain.n, &verdict);
    ck_assert_msg(verdict.status == tls_pki_bad_status(bad), "%s: status %d, %s", tls_pki_bad_word(bad), (int)verdict.status,
                  verdict.text);
    tls_chain_clear(&chain);
    tls_trust_unref(trust);
    tls_pki_pair_clear(&pair);
}
END_TEST

START_TEST(a_gateways_certificate_is_good_for_both_purposes)
{
    struct tls_pki_order order = order_of(TLS_PKI_GOOD);
    struct tls_pki_pair pair;
    struct tls_chain chain;
    struct err err = {0};
    struct tls_file file = {.name = "ca.pem", .text = bytes_span(&ca.certificate)};
    struct tls_trust_spec spec = {.name = "t", .ca = &file, .n_ca = 1, .depth = 8, .min_rsa_bits = 2048};
    struct tls_trust *trust = tls_trust_new(&spec, NOW, NULL, &err);
    order.both_purposes = true;
    ck_assert_int_eq(issue(&order, 7, &pair, &err), 0);
    ck_assert_int_eq(tls_chain_read(&chain, bytes_span(&pair.certificate), "leaf", &err), 0);
    for (int i = 0; i < 2; i++) {
        struct tls_question q = {.trust = trust, .purpose = i == 0 ? TLS_PURPOSE_CLIENT : TLS_PURPOSE_SERVER, .now = NOW};
        struct tls_verdict verdict;
        tls_judge(&q, chain.ders, chain.n, &verdict);
        ck_assert_msg(verdict.status == REASON_VALID, "%s", verdict.text);
    }
    tls_chain_clear(&chain);
    tls_trust_unref(trust);
    tls_pki_pair_clear(&pair);
}
END_TEST

static const struct {
    uint64_t serial;
    const char *hex, *why;
} serials[] = {
    {1, "01", "the smallest"},
    {0x7f, "7f", "the last of one byte"},
    {0x80, "0080", "positive although its top bit is set"},
    {0x1001, "1001", "two bytes"},
    {UINT64_MAX, "00ffffffffffffffff", "the largest"},
};

START_TEST(a_serial_is_positive_and_minimal)
{
    struct tls_pki_order order = order_of(TLS_PKI_GOOD);
    struct tls_pki_pair pair;
    struct err err = {0};
    ck_assert_int_eq(issue(&order, serials[_i].serial, &pair, &err), 0);
    gnutls_x509_crt_t crt = parse(&pair.certificate);
    uint8_t raw[32];
    size_t n = sizeof(raw);
    char hex[65] = "";
    ck_assert_int_eq(gnutls_x509_crt_get_serial(crt, raw, &n), 0);
    for (size_t i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", raw[i]);
    ck_assert_msg(strcmp(hex, serials[_i].hex) == 0, "%s: %s", serials[_i].why, hex);
    gnutls_x509_crt_deinit(crt);
    tls_pki_pair_clear(&pair);
}
END_TEST

START_TEST(carries_every_kind_of_name)
{
    static const unsigned types[] = {GNUTLS_SAN_DNSNAME, GNUTLS_SAN_IPADDRESS, GNUTLS_SAN_IPADDRESS, GNUTLS_SAN_URI, GNUTLS_SAN_RFC822NAME};
    static const size_t sizes[] = {9, 4, 16, 12, 11};
    struct tls_pki_order order = order_of(TLS_PKI_GOOD);
    struct tls_pki_pair pair;
    struct err err = {0};
    ck_assert_int_eq(issue(&order, 7, &pair, &err), 0);
    gnutls_x509_crt_t crt = parse(&pair.certificate);
    for (unsigned i = 0; i < 5; i++) {
        char value[64];
        size_t n = sizeof(value);
        ck_assert_int_eq(gnutls_x509_crt_get_subject_alt_name(crt, i, value, &n, NULL), (int)types[i]);
        ck_assert_uint_eq(n, sizes[i]);
    }
    char dn[128];
    size_t n = sizeof(dn);
    ck_assert_int_eq(gnutls_x509_crt_get_dn(crt, dn, &n), 0);
    ck_assert_str_eq(dn, "O=org,OU=unit,CN=leaf");
    gnutls_x509_crt_deinit(crt);
    tls_pki_pair_clear(&pair);
}
END_TEST

static const struct {
    const char *san, *text, *why;
} wrong_sans[] = {
    {"localhost", "is not a name: write dns:HOST", "no type"},
    {"DNS:localhost", "is not a name", "the type in capitals"},
    {"dns:", "the name after \"dns:\" is missing", "nothing behind the type"},
    {"ip:localhost", "ip:localhost is not an IP address", "a name as an address"},
    {"ip:127.1", "is not an IP address", "the short form some libraries take"},
    {"", "is not a name", "nothing"},
};

START_TEST(refuses_a_name_it_does_not_understand)
{
    const char *one[] = {wrong_sans[_i].san};
    struct tls_pki_order order = order_of(TLS_PKI_GOOD);
    struct tls_pki_pair pair;
    struct err err = {0};
    order.sans = one;
    order.n_sans = 1;
    ck_assert_msg(issue(&order, 7, &pair, &err) != 0, "%s: accepted", wrong_sans[_i].why);
    ck_assert_int_eq(err.kind, ERR_USAGE);
    ck_assert_msg(strstr(err.text, wrong_sans[_i].text) != NULL, "%s: %s", wrong_sans[_i].why, err.text);
    ck_assert_ptr_null(pair.key.data);
}
END_TEST

START_TEST(refuses_a_ca_it_cannot_read)
{
    struct tls_pki_order order = order_of(TLS_PKI_GOOD);
    struct tls_pki_pair pair;
    struct err err = {0};
    struct span rubbish = span_from_str("-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n");
    ck_assert_int_ne(tls_pki_issue(rubbish, bytes_span(&ca.key), &order, 7, &pair, &err), 0);
    ck_assert_int_eq(err.kind, ERR_CREDENTIAL);
    err_clear(&err);
    ck_assert_int_ne(tls_pki_issue(bytes_span(&ca.certificate), rubbish, &order, 7, &pair, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "the CA's key cannot be read"));
}
END_TEST

START_TEST(refuses_a_ca_key_that_is_another_cas)
{
    struct tls_pki_order order = order_of(TLS_PKI_GOOD);
    struct tls_pki_pair other, pair;
    struct err err = {0};
    ck_assert_int_eq(tls_pki_new_ca("test CA", NOW - DAY, NOW + DAY, &other, &err), 0);
    ck_assert_int_ne(tls_pki_issue(bytes_span(&ca.certificate), bytes_span(&other.key), &order, 7, &pair, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "does not match"));
    tls_pki_pair_clear(&other);
}
END_TEST

START_TEST(lists_the_revoked_in_a_signed_crl)
{
    static const struct tls_pki_revoked revoked[] = {{0x80, NOW - 5}, {0x1001, NOW - 6}};
    struct bytes pem;
    struct err err = {0};
    ck_assert_msg(tls_pki_make_crl(bytes_span(&ca.certificate), bytes_span(&ca.key), revoked, 2, 9, NOW, NOW + DAY, &pem, &err) == 0, "%s",
                  err.text);
    gnutls_x509_crl_t crl;
    gnutls_datum_t text = {pem.data, (unsigned)pem.len};
    ck_assert_int_eq(gnutls_x509_crl_init(&crl), 0);
    ck_assert_int_eq(gnutls_x509_crl_import(crl, &text, GNUTLS_X509_FMT_PEM), 0);
    ck_assert_int_eq(gnutls_x509_crl_get_crt_count(crl), 2);
    ck_assert_int_eq(gnutls_x509_crl_get_this_update(crl), NOW);
    ck_assert_int_eq(gnutls_x509_crl_get_next_update(crl), NOW + DAY);
    gnutls_x509_crt_t issuer = parse(&ca.certificate);
    unsigned status = 0;
    ck_assert_int_eq(gnutls_x509_crl_verify(crl, &issuer, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status), 0);
    ck_assert_uint_eq(status & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA | GNUTLS_CERT_SIGNATURE_FAILURE), 0);
    gnutls_x509_crt_deinit(issuer);
    gnutls_x509_crl_deinit(crl);
    bytes_clear(&pem);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_pki");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, make_ca, drop_ca);
    tcase_add_test(t, every_kind_has_a_word_and_a_status);
    tcase_add_loop_test(t, every_kind_can_be_issued_and_parsed, 0, TLS_PKI_BAD_COUNT);
    tcase_add_loop_test(t, the_judge_gives_every_kind_its_status, 0, 2 * TLS_PKI_BAD_COUNT);
    tcase_add_test(t, a_gateways_certificate_is_good_for_both_purposes);
    tcase_add_loop_test(t, a_serial_is_positive_and_minimal, 0, (int)(sizeof(serials) / sizeof(serials[0])));
    tcase_add_test(t, carries_every_kind_of_name);
    tcase_add_loop_test(t, refuses_a_name_it_does_not_understand, 0, (int)(sizeof(wrong_sans) / sizeof(wrong_sans[0])));
    tcase_add_test(t, refuses_a_ca_it_cannot_read);
    tcase_add_test(t, refuses_a_ca_key_that_is_another_cas);
    tcase_add_test(t, lists_the_revoked_in_a_signed_crl);
    suite_add_tcase(s, t);
    return s;
}
