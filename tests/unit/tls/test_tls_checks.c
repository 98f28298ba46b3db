/* SPDX-License-Identifier: Apache-2.0 */
/* The checks are held to their rules case by case through the judge (test_tls_judge.c, test_tls_path.c); here
 * is how they report. */
#include "t.h"

#include "judging.h"
#include "tls_checks.h"

#include <string.h>

START_TEST(keeps_the_worst_fault_whatever_the_order)
{
    static const enum reason worst_first[] = {
        REASON_REVOKED,       REASON_UNKNOWN_CA,    REASON_EXPIRED,     REASON_NOT_YET_VALID,
        REASON_WRONG_PURPOSE, REASON_NAME_MISMATCH, REASON_WEAK,        REASON_CRL_MISSING,
        REASON_CRL_STALE,     REASON_CONSTRAINT,    REASON_NOT_ALLOWED, REASON_MALFORMED};
    const size_t n = sizeof(worst_first) / sizeof(worst_first[0]);
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++) {
            struct tls_verdict v = {.status = REASON_UNDECIDED};
            tls_checks_found(&v, worst_first[a], (int)a, "fault %zu", a);
            tls_checks_found(&v, worst_first[b], (int)b, "fault %zu", b);
            size_t worse = a < b ? a : b;
            ck_assert_int_eq(v.status, worst_first[worse]);
            ck_assert_int_eq(v.openssl_error, (int)worse);
            ck_assert_int_eq(v.text[6] - '0', (int)(worse < 10 ? worse : 1));
            ck_assert_uint_eq(v.all, UINT64_C(1) << worst_first[a] | UINT64_C(1) << worst_first[b]);
        }
}
END_TEST

START_TEST(cuts_a_long_sentence)
{
    struct tls_verdict v = {.status = REASON_UNDECIDED};
    char longer[1000];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    tls_checks_found(&v, REASON_WEAK, 66, "%s", longer);
    ck_assert_uint_eq(strlen(v.text), sizeof(v.text) - 1);
}
END_TEST

START_TEST(reports_every_fault_of_a_leaf)
{
    struct certs ca, leaf;
    struct tls_cert cert;
    struct tls_certificate c;
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &ca);
    certs_make(&(struct certs_order){.cn = "bad",
                                     .key = CERTS_RSA_1024,
                                     .digest = GNUTLS_DIG_SHA1,
                                     .no_eku = true,
                                     .extension = "1.2.3.4",
                                     .extension_critical = true,
                                     .not_after = CERTS_NOW - 1,
                                     .issuer = &ca},
               &leaf);
    struct judging j = {.ca = {&ca}};
    struct tls_trust *trust = judging_trust(&j);
    const char *const names[] = {"a.example"};
    struct tls_question q = {.trust = trust, .purpose = TLS_PURPOSE_SERVER, .names = names, .n_names = 1, .now = CERTS_NOW};
    struct tls_verdict v = {.status = REASON_UNDECIDED};
    ck_assert_int_eq(tls_cert_read(leaf.der, &cert), 0);
    tls_checks_describe(&c, &cert, leaf.crt);
    ck_assert_str_eq(c.subject, "CN=bad");
    tls_checks_leaf(&q, &c, &v);
    uint64_t all = 0;
    const enum reason expected[] = {REASON_EXPIRED, REASON_WRONG_PURPOSE, REASON_NAME_MISMATCH, REASON_WEAK,
                                    REASON_CONSTRAINT};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        all |= UINT64_C(1) << expected[i];
    ck_assert_uint_eq(v.all, all);
    ck_assert_int_eq(v.status, REASON_EXPIRED);
    tls_trust_unref(trust);
    certs_clear(&leaf);
    certs_clear(&ca);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_checks");
    TCase *c = tcase_create("checks");
    tcase_add_test(c, keeps_the_worst_fault_whatever_the_order);
    tcase_add_test(c, cuts_a_long_sentence);
    tcase_add_test(c, reports_every_fault_of_a_leaf);
    suite_add_tcase(s, c);
    return s;
}
