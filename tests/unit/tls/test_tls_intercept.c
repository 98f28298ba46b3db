/* SPDX-License-Identifier: Apache-2.0 */
/* E7: a CA for intercepted TLS is constrained to the hosts of routes, and issues for these alone. */
#include "t.h"

#include "mtlsd/tls/tls_intercept.h"
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

static struct tls_intercept *load(const char *const *hosts, size_t n, int64_t now)
{
    const struct tls_intercept_spec spec = {bytes_span(&ca.certificate), bytes_span(&ca.key), "ca.pem", "ca.key", hosts, n};
    err_clear(&err);
    return tls_intercept_new(&spec, now, &err);
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
    const char *only[2], *hosts[3], *says;
    int64_t now;
} rows[] = {
    {{"a.example"}, {"a.example"}, NULL, NOW},
    {{"a.example"}, {"a.example", "127.0.0.1", "::1"}, NULL, NOW},
    {{"a.example", "b.example"}, {"b.example", "*.a.example"}, NULL, NOW},
    {{"a.example"}, {"*.a.example", "a.example"}, NULL, NOW},
    {{NULL}, {"a.example"}, "allows another CA below it", NOW},
    {{"a.example", "b.example"}, {"a.example"}, "permit \"b.example\", which no route", NOW},
    {{"example"}, {"a.example"}, "permit \"example\", which no route", NOW},
    {{"a.example"}, {"a.example", "b.example"}, "do not permit the host \"b.example\"", NOW},
    {{"a.example"}, {"a.example"}, "expired 2027-", NOW + 10 * DAY},
    {{"a.example"}, {"a.example"}, "is not valid yet", NOW - 2 * DAY},
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
    struct tls_intercept *t = load(rows[_i].hosts, count(rows[_i].hosts, 3), rows[_i].now);
    ck_assert_msg((t != NULL) == (rows[_i].says == NULL), "%s", err.text);
    ck_assert_msg(rows[_i].says == NULL || strstr(err.text, rows[_i].says) != NULL, "%s", err.text);
    tls_intercept_free(t);
}
END_TEST

START_TEST(keeps_what_it_issued_and_renews_it)
{
    static const char *const only[] = {"a.example"}, *const hosts[] = {"a.example", "*.a.example"};
    make_ca(only, 1);
    struct tls_intercept *t = load(hosts, 2, NOW);
    ck_assert_msg(t != NULL, "%s", err.text);
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
    static const char *const only[] = {"a.example"}, *const hosts[] = {"*.a.example"};
    make_ca(only, 1);
    struct tls_intercept *t = load(hosts, 1, NOW);
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
    tcase_add_loop_test(t, takes_a_ca_for_exactly_these_hosts, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(t, keeps_what_it_issued_and_renews_it);
    tcase_add_test(t, holds_no_more_than_its_bound);
    suite_add_tcase(s, t);
    return s;
}
