/* SPDX-License-Identifier: Apache-2.0 */
/* E7: a CA for intercepted TLS is constrained to the hosts of routes, and issues for these alone, whatever it is asked for. */
#include "t.h"

#include "mtlsd/tls/tls_issuer.h"
#include "mtlsd/tls/tls_peer.h"
#include "mtlsd/tls/tls_pki.h"
#include "tls_cert.h"
#include "tls_issuer_own.h"

#include <string.h>

enum { NOW = 1800000000, DAY = 86400 };

static struct tls_pki_pair ca;
static struct err err;
static uint8_t ca_id[TLS_KEY_ID];

static void make_ca(const char *const *only, size_t n)
{
    const struct tls_pki_ca order = {"CA", only, n, NOW - DAY, NOW + 10 * DAY};
    ck_assert_msg(tls_pki_make_ca(&order, &ca, &err) == 0, "%s", err.text);
}

static struct tls_signing_key *load_with(struct span key, const char *hosts, int64_t now)
{
    const struct tls_issuer_source source = {"proxy", {"ca.pem", bytes_span(&ca.certificate)}, {"ca.key", key}, span_from_str(hosts)};
    err_clear(&err);
    return tls_issuer_read(&source, NULL, now, ca_id, &err);
}

static struct tls_signing_key *load(const char *hosts, int64_t now)
{
    return load_with(bytes_span(&ca.key), hosts, now);
}

static void set_up(void)
{
    ca = (struct tls_pki_pair){0};
    err_clear(&err);
}

static void tear_down(void)
{
    tls_pki_pair_clear(&ca);
}

static const struct {
    const char *only[2], *hosts, *says;
    int64_t now;
} rows[] = {
    {{"a.example"}, "a.example\n", NULL, NOW},
    {{"a.example"}, "a.example\n127.0.0.1\n::1\n", NULL, NOW},
    {{"a.example", "b.example"}, "b.example\n*.a.example\n", NULL, NOW},
    {{"a.example"}, "*.a.example\na.example", NULL, NOW},
    {{NULL}, "a.example\n", "allows another CA below it", NOW},
    {{"a.example"}, "", "permit \"a.example\", which no route", NOW},
    {{"a.example", "b.example"}, "a.example\n", "permit \"b.example\", which no route", NOW},
    {{"example"}, "a.example\n", "permit \"example\", which no route", NOW},
    {{"a.example"}, "a.example\nb.example\n", "do not permit the host \"b.example\"", NOW},
    {{"a.example"}, "a.example\n", "expired 2027-", NOW + 10 * DAY},
    {{"a.example"}, "a.example\n", "is not valid yet", NOW - 2 * DAY},
};

static size_t count(const char *const *list, size_t most)
{
    size_t n = 0;
    while (n < most && list[n] != NULL)
        n++;
    return n;
}

START_TEST(takes_a_ca_for_exactly_these_hosts)
{
    make_ca(rows[_i].only, count(rows[_i].only, 2));
    struct tls_signing_key *key = load(rows[_i].hosts, rows[_i].now);
    ck_assert_msg((key != NULL) == (rows[_i].says == NULL), "%s", err.text);
    ck_assert_msg(rows[_i].says == NULL || strstr(err.text, rows[_i].says) != NULL, "%s", err.text);
    tls_signing_key_unref(key);
}
END_TEST

static const char *const only[] = {"a.example"};

START_TEST(refuses_a_key_of_another_ca)
{
    struct tls_pki_pair mine;
    make_ca(only, 1);
    mine = ca;
    ca = (struct tls_pki_pair){0};
    make_ca(only, 1);
    ck_assert_ptr_null(load_with(bytes_span(&mine.key), "a.example\n", NOW));
    ck_assert_msg(strstr(err.text, "key does not match") != NULL, "%s", err.text);
    ck_assert_ptr_null(load_with(bytes_span(&mine.certificate), "a.example\n", NOW));
    ck_assert_msg(strstr(err.text, "holds no private key") != NULL, "%s", err.text);
    tls_pki_pair_clear(&mine);
}
END_TEST

static struct tls_peer *issue(const struct tls_signing_key *key, const char *host, int64_t now)
{
    struct bytes pem;
    unsigned char der[2000];
    size_t n = sizeof(der);
    gnutls_x509_crt_t crt;
    bytes_init(&pem, 10000);
    err_clear(&err);
    if (tls_signing_key_issue(key, span_from_str(host), now, &pem, &err) != 0) {
        ck_assert_uint_eq(pem.len, 0);
        return NULL;
    }
    const gnutls_datum_t text = tls_cert_datum(bytes_span(&pem));
    ck_assert_int_eq(gnutls_x509_crt_init(&crt), 0);
    ck_assert_int_eq(gnutls_x509_crt_import(crt, &text, GNUTLS_X509_FMT_PEM), 0);
    ck_assert_int_eq(gnutls_x509_crt_export(crt, GNUTLS_X509_FMT_DER, der, &n), 0);
    unsigned critical, is_ca = 1;
    ck_assert_int_eq(gnutls_x509_crt_get_basic_constraints(crt, &critical, &is_ca, NULL), 0);
    ck_assert_uint_eq(is_ca, 0);
    char purpose[64];
    size_t size = sizeof(purpose);
    ck_assert_int_eq(gnutls_x509_crt_get_key_purpose_oid(crt, 0, purpose, &size, &critical), 0);
    ck_assert_str_eq(purpose, GNUTLS_KP_TLS_WWW_SERVER);
    size = sizeof(purpose);
    ck_assert_int_eq(gnutls_x509_crt_get_key_purpose_oid(crt, 1, purpose, &size, &critical), GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
    ck_assert_int_ge(gnutls_x509_crt_get_activation_time(crt), NOW - DAY);
    ck_assert_int_le(gnutls_x509_crt_get_expiration_time(crt), now + DAY);
    ck_assert_int_le(gnutls_x509_crt_get_expiration_time(crt), NOW + 10 * DAY); /* as the CA */
    gnutls_x509_crt_deinit(crt);
    bytes_clear(&pem);
    struct tls_peer *peer = tls_peer_new(span_of(der, n), &err);
    ck_assert_ptr_nonnull(peer);
    return peer;
}

static const struct {
    const char *host;
    bool issued;
} requests[] = {{"a.example", true}, {"x.b.example", true}, {"b.example", false}, {"c.example", false}, {"x.a.example", false}, {"", false},
                {"*.b.example", false}, {"a.example b.example", false}, {"127.0.0.1", false}, {"uri:a.example", false}};

START_TEST(issues_for_hosts_of_routes_alone)
{
    static const char *const both[] = {"a.example", "b.example"};
    make_ca(both, 2);
    struct tls_signing_key *key = load("a.example\n*.b.example\n", NOW);
    ck_assert_msg(key != NULL, "%s", err.text);
    struct tls_peer *peer = issue(key, requests[_i].host, NOW);
    ck_assert_int_eq(peer != NULL, requests[_i].issued);
    if (peer != NULL) {
        struct span name = tls_peer_first(peer, TLS_NAME_DNS);
        ck_assert(span_equals_str(name, requests[_i].host));
    } else {
        ck_assert_int_eq(err.kind, ERR_PROTOCOL);
    }
    tls_peer_free(peer);
    tls_signing_key_unref(key);
}
END_TEST

START_TEST(does_not_outlive_the_ca)
{
    make_ca(only, 1);
    struct tls_signing_key *key = load("a.example\n", NOW);
    tls_peer_free(issue(key, "a.example", NOW + 10 * DAY - 60));
    ck_assert_ptr_null(issue(key, "a.example", NOW + 10 * DAY));
    ck_assert_ptr_nonnull(strstr(err.text, "has expired"));
    tls_signing_key_unref(key);
}
END_TEST

START_TEST(a_key_of_an_identity_issues_nothing)
{
    make_ca(only, 1);
    const struct tls_key_source source = {.identity = "me", .text = bytes_span(&ca.key), .file = "me.key"};
    struct tls_signing_key *key = tls_signing_key_read(&source, NULL, &err);
    ck_assert_ptr_nonnull(key);
    ck_assert_ptr_null(issue(key, "a.example", NOW));
    tls_signing_key_unref(key);
}
END_TEST

/* The key of the CA must not be asked to sign handshakes. */
START_TEST(the_key_is_another_one_than_that_of_the_ca)
{
    make_ca(only, 1);
    struct tls_signing_key *key = load("a.example\n", NOW), *again = load("a.example\n", NOW);
    ck_assert(memcmp(tls_signing_key_facts(key)->public_id, ca_id, TLS_KEY_ID) != 0);
    ck_assert(memcmp(tls_signing_key_facts(key)->public_id, tls_signing_key_facts(again)->public_id, TLS_KEY_ID) != 0);
    tls_signing_key_unref(key);
    tls_signing_key_unref(again);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_issuer");
    TCase *t = tcase_create("tls_issuer");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, takes_a_ca_for_exactly_these_hosts, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(t, refuses_a_key_of_another_ca);
    tcase_add_loop_test(t, issues_for_hosts_of_routes_alone, 0, sizeof(requests) / sizeof(requests[0]));
    tcase_add_test(t, does_not_outlive_the_ca);
    tcase_add_test(t, a_key_of_an_identity_issues_nothing);
    tcase_add_test(t, the_key_is_another_one_than_that_of_the_ca);
    suite_add_tcase(s, t);
    return s;
}
