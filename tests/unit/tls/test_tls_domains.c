/* SPDX-License-Identifier: Apache-2.0 */
/* Trusts with several SPIFFE trust domains: their bundles are never merged (security A5). */
#include "t.h"

#include "judging.h"
#include "tls_checks.h"

#include <stdlib.h>
#include <string.h>

#define A "a.example"
#define B "b.example"

enum { CA_A, CA_B, CA_C, SUB_A, WEB_A, WEB_B, A_BY_B, B_BY_A, BELOW_SUB, A_BY_C, OF_C, NAMELESS, TWO, ROOT_ID, SIGNS_LISTS, SIGNS, CROSS, N_CERTS };

static const struct {
    const char *cn, *sans[2];
    int issuer; /* -1: itself */
    unsigned usage;
    int same_key_as; /* 0: none */
} orders[N_CERTS] = {
    [CA_A] = {"CA A", {"uri:spiffe://" A}, -1, 0, 0},
    [CA_B] = {"CA B", {"uri:spiffe://" B}, -1, 0, 0},
    [CA_C] = {"CA C", {NULL}, -1, 0, 0},
    [SUB_A] = {"Sub A", {NULL}, CA_A, 0, 0},
    [WEB_A] = {"web of A", {"uri:spiffe://" A "/web"}, CA_A, 0, 0},
    [WEB_B] = {"web of B", {"uri:spiffe://" B "/web"}, CA_B, 0, 0},
    [A_BY_B] = {"A by B", {"uri:spiffe://" A "/web"}, CA_B, 0, 0},
    [B_BY_A] = {"B by A", {"uri:spiffe://" B "/web"}, CA_A, 0, 0},
    [BELOW_SUB] = {"B below a CA of A", {"uri:spiffe://" B "/web"}, SUB_A, 0, 0},
    [A_BY_C] = {"A by C", {"uri:spiffe://" A "/web"}, CA_C, 0, 0},
    [OF_C] = {"of C", {"uri:spiffe://c.example/web"}, CA_A, 0, 0},
    [NAMELESS] = {"nameless", {"dns:web.a.example"}, CA_A, 0, 0},
    [TWO] = {"two IDs", {"uri:spiffe://" A "/web", "uri:spiffe://" B "/web"}, CA_A, 0, 0},
    [ROOT_ID] = {"the domain itself", {"uri:spiffe://" A}, CA_A, 0, 0},
    [SIGNS_LISTS] = {"signs lists", {"uri:spiffe://" A "/web"}, CA_A, GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_CRL_SIGN, 0},
    [SIGNS] = {"signs certificates", {"uri:spiffe://" A "/web"}, CA_A, GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_CERT_SIGN, 0},
    [CROSS] = {"CA A", {NULL}, CA_B, 0, CA_A},
};

enum { REVOKED_SERIAL = 4711 };

static struct certs made[N_CERTS];

static void setup(void)
{
    for (int i = 0; i < N_CERTS; i++) {
        struct certs_order order = {.cn = orders[i].cn, .serial = i == NAMELESS ? REVOKED_SERIAL : 0, .ca = i < WEB_A || i == CROSS, .usage = orders[i].usage};
        memcpy(order.sans, orders[i].sans, sizeof(orders[i].sans));
        order.issuer = orders[i].issuer >= 0 ? &made[orders[i].issuer] : NULL;
        order.same_key_as = orders[i].same_key_as > 0 || i == CROSS ? &made[orders[i].same_key_as] : NULL;
        certs_make(&order, &made[i]);
    }
}

static void teardown(void)
{
    for (int i = 0; i < N_CERTS; i++)
        certs_clear(&made[i]);
}

static const struct {
    int sent[3]; /* 0: none more, but for the first */
    enum reason status;
    const char *text, *why;
} rows[] = {
    {{WEB_A}, REASON_VALID, "", "by its own domain"},
    {{WEB_B}, REASON_VALID, "", "the other one"},
    {{A_BY_B}, REASON_WRONG_TRUST_DOMAIN, "its issuer CN=CA B is a CA of trust domain " B ", which may not issue for " A, "by a CA of another domain"},
    {{B_BY_A}, REASON_WRONG_TRUST_DOMAIN, "may not issue for " B, "the other way round"},
    {{A_BY_B, CA_B}, REASON_WRONG_TRUST_DOMAIN, "may not issue for " A, "with its root"},
    {{BELOW_SUB, SUB_A}, REASON_WRONG_TRUST_DOMAIN, "may not issue for " B, "over an intermediate CA"},
    {{WEB_A, CROSS}, REASON_VALID, "", "a way over the other domain beside the right one"},
    {{WEB_B, CROSS}, REASON_VALID, "", "what was sent beside it does not count"},
    {{A_BY_C}, REASON_UNKNOWN_CA, "(trusted: CN=CA A)", "by a CA of no domain"},
    {{OF_C}, REASON_WRONG_TRUST_DOMAIN, "has no SPIFFE ID of the SPIFFE trust domain " A " or 1 more", "of a domain that is not named"},
    {{NAMELESS}, REASON_WRONG_TRUST_DOMAIN, "has no SPIFFE ID", "without an ID"},
    {{TWO}, REASON_WRONG_TRUST_DOMAIN, "has several URIs", "of both domains"},
    {{ROOT_ID}, REASON_WRONG_TRUST_DOMAIN, "has no SPIFFE ID", "the ID of the domain"},
    {{SIGNS_LISTS}, REASON_WRONG_PURPOSE, "keyUsage allows to sign", "X509-SVID 5.2: cRLSign"},
    {{SIGNS}, REASON_WRONG_PURPOSE, "keyUsage allows to sign", "X509-SVID 5.2: keyCertSign"},
};

START_TEST(a_ca_verifies_its_own_domain_alone) /* A5 */
{
    struct tls_verdict v;
    const struct certs *chain[3];
    size_t n = 0;
    for (; n < 3 && (n == 0 || rows[_i].sent[n] > 0); n++)
        chain[n] = &made[rows[_i].sent[n]];
    struct judging j = {.ca = {&made[CA_A], &made[CA_B]}, .domains = {A, B}};
    judging_run(&j, chain, n, &v);
    ck_assert_msg(v.status == rows[_i].status, "%s: %s", rows[_i].why, v.text);
    ck_assert_msg(strstr(v.text, rows[_i].text) != NULL, "%s: %s", rows[_i].why, v.text);
    if (v.status == REASON_WRONG_TRUST_DOMAIN) {
        ck_assert_int_eq(v.openssl_error, 47);
        ck_assert_uint_eq(v.all, UINT64_C(1) << REASON_WRONG_TRUST_DOMAIN);
    }
}
END_TEST

START_TEST(a_revoked_certificate_without_an_id_is_told_to_be_revoked) /* A5 */
{
    static const uint64_t serials[] = {REVOKED_SERIAL};
    struct tls_verdict v;
    const struct certs *chain[] = {&made[NAMELESS]}, *other[] = {&made[OF_C]};
    struct certs_crl list;
    certs_make_crl(&(struct certs_crl_order){.issuer = &made[CA_A], .serials = serials, .n_serials = 1}, &list);
    struct judging j = {.ca = {&made[CA_A], &made[CA_B]}, .crl = {&list}, .domains = {A, B}};
    judging_run(&j, chain, 1, &v);
    ck_assert_msg(v.status == REASON_REVOKED, "%s", v.text);
    ck_assert_uint_ne(v.all & UINT64_C(1) << REASON_WRONG_TRUST_DOMAIN, 0); /* so that no tolerate lets it in */
    judging_run(&j, other, 1, &v);
    ck_assert_int_eq(v.status, REASON_WRONG_TRUST_DOMAIN);
    certs_crl_clear(&list);
}
END_TEST

/* The paths are tried in the order of anchors: the other domain's comes first here. */
START_TEST(the_order_of_bundles_does_not_matter)
{
    struct tls_verdict v;
    const struct certs *good[] = {&made[WEB_A], &made[CROSS]}, *bad[] = {&made[A_BY_B]};
    struct judging j = {.ca = {&made[CA_B], &made[CA_A]}, .domains = {B, A}};
    size_t path[TLS_WAY_MAX];
    judging_run(&j, good, 2, &v);
    ck_assert_msg(v.status == REASON_VALID, "%s", v.text);
    ck_assert_uint_eq(judging_way(&j, good, 1, path), 0); /* straight to its root, which is not told */
    judging_run(&j, bad, 1, &v);
    ck_assert_int_eq(v.status, REASON_WRONG_TRUST_DOMAIN);
}
END_TEST

/* A cross-certificate leads to a CA of B, which cannot make an ID of A good, when the bundle of A has another root. */
START_TEST(a_cross_certificate_does_not_join_two_domains)
{
    struct tls_verdict v;
    const struct certs *chain[] = {&made[WEB_A], &made[CROSS]};
    struct judging j = {.ca = {&made[CA_C], &made[CA_B]}, .domains = {A, B}};
    judging_run(&j, chain, 2, &v);
    ck_assert_int_eq(v.status, REASON_WRONG_TRUST_DOMAIN);
    j.domains[1] = NULL; /* and without B */
    judging_run(&j, chain, 2, &v);
    ck_assert_int_eq(v.status, REASON_UNKNOWN_CA);
}
END_TEST

START_TEST(two_domains_may_have_the_same_ca)
{
    struct tls_verdict v;
    const struct certs *a[] = {&made[WEB_A]}, *b[] = {&made[B_BY_A]};
    struct judging j = {.ca = {&made[CA_A], &made[CA_A]}, .domains = {A, B}};
    judging_run(&j, a, 1, &v);
    ck_assert_int_eq(v.status, REASON_VALID);
    judging_run(&j, b, 1, &v);
    ck_assert_int_eq(v.status, REASON_VALID);
}
END_TEST

START_TEST(a_withdrawn_bundle_refuses_its_domain_alone)
{
    struct tls_verdict v;
    const struct certs *a[] = {&made[WEB_A]}, *b[] = {&made[WEB_B]};
    struct judging j = {.ca = {&made[CA_A]}, .domains = {A, B}};
    judging_run(&j, a, 1, &v);
    ck_assert_int_eq(v.status, REASON_VALID);
    judging_run(&j, b, 1, &v);
    ck_assert_int_eq(v.status, REASON_UNKNOWN_CA);
    ck_assert_msg(strstr(v.text, "(trusted: no CA)") != NULL, "%s", v.text);
    j.ca[0] = NULL; /* and without any */
    judging_run(&j, a, 1, &v);
    ck_assert_int_eq(v.status, REASON_UNKNOWN_CA);
}
END_TEST

START_TEST(a_trust_tells_its_domains)
{
    size_t n = 0;
    struct tls_trust_ca ca;
    struct judging j = {.ca = {&made[CA_A]}, .domains = {A, B}};
    struct tls_trust *trust = judging_trust(&j);
    ck_assert_str_eq(tls_trust_domain(trust, 0, &n), A);
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(tls_trust_domain(trust, 1, &n), B);
    ck_assert_uint_eq(n, 0);
    ck_assert_ptr_null(tls_trust_domain(trust, 2, &n));
    ck_assert(tls_trust_ca(trust, 0, &ca));
    ck_assert_str_eq(ca.domain, A);
    ck_assert(!tls_trust_ca(trust, 1, &ca));
    tls_trust_unref(trust);
    trust = judging_trust(&(struct judging){.ca = {&made[CA_A]}});
    ck_assert_ptr_null(tls_trust_domain(trust, 0, &n));
    ck_assert(tls_trust_ca(trust, 0, &ca));
    ck_assert_ptr_null(ca.domain);
    tls_trust_unref(trust);
}
END_TEST

START_TEST(a_bundle_that_cannot_be_read_is_refused)
{
    const struct {
        const char *domains[2];
        struct span pem;
        const char *text;
    } bad[] = {{{A, A}, made[CA_A].pem, "given twice"}, {{A, "B.example"}, made[CA_A].pem, "is not a SPIFFE trust domain"},
               {{A, B}, made[WEB_A].pem, "is not a CA certificate"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tls_bundle bundles[2] = {{bad[i].domains[0], {"a", bad[i].pem}}, {bad[i].domains[1], {"b", bad[i].pem}}};
        struct findings notes;
        struct err err = {0};
        findings_init(&notes);
        ck_assert_ptr_null(tls_trust_new(&(struct tls_trust_spec){.name = "t", .bundles = bundles, .n_bundles = 2}, CERTS_NOW, &notes, &err));
        ck_assert_msg(strstr(err.text, bad[i].text) != NULL, "%s", err.text);
        findings_clear(&notes);
    }
}
END_TEST

static const struct {
    const char *expect;
    int leaf;
    bool good;
    const char *why;
} expectations[] = {
    {"spiffe://" A "/web", WEB_A, true, "the ID"},
    {"spiffe://" A "/**", WEB_A, true, "all of its domain"},
    {"spiffe://" A "/*", WEB_A, true, "one segment"},
    {"spiffe://" A "/*/web", WEB_A, false, "two segments"},
    {"spiffe://" B "/**", WEB_A, false, "another domain"},
    {"spiffe://*/web", WEB_A, false, "A5: any domain"},
    {"spiffe://**", WEB_A, false, "A5: anybody"},
    {"spiffe://" A "/**", A_BY_B, false, "the ID by another domain's CA"},
    {"spiffe://" A "/**", TWO, false, "A5: the ID beside another URI"},
};

START_TEST(a_server_is_expected_by_its_id)
{
    struct tls_verdict v;
    const struct certs *chain[] = {&made[expectations[_i].leaf]};
    struct judging j = {.ca = {&made[CA_A], &made[CA_B]}, .domains = {A, B}, .purpose = TLS_PURPOSE_SERVER, .names = {expectations[_i].expect}};
    judging_run(&j, chain, 1, &v);
    ck_assert_msg((v.status == REASON_VALID) == expectations[_i].good, "%s: %s", expectations[_i].why, v.text);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_domains");
    TCase *c = tcase_create("domains");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, a_ca_verifies_its_own_domain_alone, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(c, a_revoked_certificate_without_an_id_is_told_to_be_revoked);
    tcase_add_test(c, the_order_of_bundles_does_not_matter);
    tcase_add_test(c, a_cross_certificate_does_not_join_two_domains);
    tcase_add_test(c, two_domains_may_have_the_same_ca);
    tcase_add_test(c, a_withdrawn_bundle_refuses_its_domain_alone);
    tcase_add_test(c, a_trust_tells_its_domains);
    tcase_add_test(c, a_bundle_that_cannot_be_read_is_refused);
    tcase_add_loop_test(c, a_server_is_expected_by_its_id, 0, sizeof(expectations) / sizeof(expectations[0]));
    suite_add_tcase(s, c);
    return s;
}
