/* SPDX-License-Identifier: Apache-2.0 */
/* E7 */
#include "t.h"

#include "mtlsd/tls/tls_intercept.h"
#include "mtlsd/tls/tls_issuer.h"
#include "mtlsd/tls/tls_pki.h"

#include <stdio.h>
#include <string.h>

enum { NOW = 1800000000, DAY = 86400 };

static struct tls_pki_pair ca;
static struct err err;

static void make_ca(const char *const *only, size_t n)
{
    const struct tls_pki_ca order = {"CA", only, n, NOW - DAY, NOW + 10 * DAY};
    ck_assert_msg(tls_pki_make_ca(&order, &ca, &err) == 0, "%s", err.text);
}

static struct tls_intercept *load(const char *hosts)
{
    uint8_t id[TLS_KEY_ID];
    const struct tls_issuer_source source = {"proxy", {"ca.pem", bytes_span(&ca.certificate)}, {"ca.key", bytes_span(&ca.key)}, span_from_str(hosts)};
    struct tls_signing_key *key = tls_issuer_read(&source, NULL, NOW, id, &err);
    ck_assert_msg(key != NULL, "%s", err.text);
    struct tls_intercept *t = tls_intercept_new(key, span_from_str(hosts), bytes_span(&ca.certificate));
    tls_signing_key_unref(key);
    return t;
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

START_TEST(keeps_what_it_issued_and_renews_it)
{
    static const char *const only[] = {"a.example"};
    make_ca(only, 1);
    struct tls_intercept *t = load("a.example\n*.a.example\n");
    ck_assert_msg(t != NULL, "%s", err.text);
    struct tls_intercept_facts facts;
    tls_intercept_facts(t, &facts);
    ck_assert_str_eq(facts.ca, "CN=CA");
    ck_assert_int_eq(facts.not_after, NOW + 10 * DAY);
    ck_assert_uint_eq(facts.n_hosts, 2);
    ck_assert(tls_intercept_permits(t, span_from_str("A.example")) && tls_intercept_permits(t, span_from_str("x.a.example.")));
    ck_assert(!tls_intercept_permits(t, span_from_str("b.example")) && !tls_intercept_permits(t, span_from_str("127.0.0.1")));
    struct tls_context *first = tls_intercept_context(t, span_from_str("a.example"), NOW, &err);
    struct tls_context *again = tls_intercept_context(t, span_from_str("A.EXAMPLE."), NOW + 3600, &err);
    struct tls_context *other = tls_intercept_context(t, span_from_str("x.a.example"), NOW, &err);
    struct tls_context *later = tls_intercept_context(t, span_from_str("a.example"), NOW + 9 * 3600, &err);
    ck_assert(first != NULL && first == again && other != NULL && other != first && later != NULL && later != first);
    ck_assert_ptr_null(tls_intercept_context(t, span_from_str("a.example"), NOW + 10 * DAY, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "has expired"));
    tls_context_unref(first);
    tls_context_unref(again);
    tls_context_unref(other);
    tls_context_unref(later);
    tls_intercept_free(t);
}
END_TEST

START_TEST(holds_no_more_than_its_bound)
{
    static const char *const only[] = {"a.example"};
    make_ca(only, 1);
    struct tls_intercept *t = load("*.a.example\n");
    ck_assert_ptr_nonnull(t);
    for (unsigned i = 0; i < 300; i++) {
        char host[32];
        snprintf(host, sizeof(host), "h%u.a.example", i);
        struct tls_context *ctx = tls_intercept_context(t, span_from_str(host), NOW, &err);
        ck_assert_ptr_nonnull(ctx);
        tls_context_unref(ctx);
    }
    tls_intercept_free(t);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_intercept");
    TCase *t = tcase_create("tls_intercept");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, keeps_what_it_issued_and_renews_it);
    tcase_add_test(t, holds_no_more_than_its_bound);
    suite_add_tcase(s, t);
    return s;
}
