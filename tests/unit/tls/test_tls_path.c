/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "judging.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static struct certs root, middle, lower, leaf, stranger;

static void make_chain(void)
{
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &root);
    certs_make(&(struct certs_order){.cn = "Middle", .ca = true, .issuer = &root}, &middle);
    certs_make(&(struct certs_order){.cn = "Lower", .ca = true, .issuer = &middle}, &lower);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &lower}, &leaf);
    certs_make(&(struct certs_order){.cn = "Stranger", .ca = true}, &stranger);
}

static void clear_chain(void)
{
    struct certs *all[] = {&root, &middle, &lower, &leaf, &stranger};
    for (size_t i = 0; i < 5; i++)
        certs_clear(all[i]);
}

START_TEST(finds_the_way_through_what_was_presented)
{
    const struct {
        const char *why;
        const struct certs *chain[7];
        const struct certs *anchor;
        enum reason status;
    } cases[] = {
        {"in order", {&leaf, &lower, &middle}, &root, REASON_VALID},
        {"with the root", {&leaf, &lower, &middle, &root}, &root, REASON_VALID},
        {"out of order", {&leaf, &middle, &lower}, &root, REASON_VALID},
        {"with a stranger between", {&leaf, &stranger, &lower, &stranger, &middle}, &root, REASON_VALID},
        {"with everything twice", {&leaf, &lower, &lower, &middle, &middle, &leaf}, &root, REASON_VALID},
        {"stops at an anchor in the middle", {&leaf, &lower}, &middle, REASON_VALID},
        {"an anchor in the middle, the rest sent too",
         {&leaf, &lower, &middle, &root},
         &middle,
         REASON_VALID},
        {"an intermediate missing", {&leaf, &middle}, &root, REASON_UNKNOWN_CA},
        {"the leaf alone", {&leaf}, &root, REASON_UNKNOWN_CA},
        {"another anchor", {&leaf, &lower, &middle, &root}, &stranger, REASON_UNKNOWN_CA},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_verdict v;
        struct judging j = {.ca = {cases[i].anchor}};
        size_t n = 0;
        while (n < 7 && cases[i].chain[n] != NULL)
            n++;
        judging_run(&j, cases[i].chain, n, &v);
        ck_assert_msg(v.status == cases[i].status, "%s: %s", cases[i].why, v.text);
    }
}
END_TEST

/* What a backend is told: nothing that the peer threw in, nothing beyond the anchor, no root; and an anchor that is none, also when it was not sent. */
START_TEST(tells_the_path_that_was_verified_and_nothing_else)
{
    struct certs cross, twin, late;
    certs_make(&(struct certs_order){.cn = "Lower", .ca = true, .issuer = &stranger, .same_key_as = &lower}, &cross);
    certs_make(&(struct certs_order){.cn = "Lower", .ca = true, .issuer = &middle}, &twin); /* the name, another key */
    certs_make(&(struct certs_order){.cn = "late", .issuer = &lower, .not_after = CERTS_NOW - 1}, &late);
    const struct {
        const char *why;
        const struct certs *chain[7];
        const struct certs *anchor;
        const char *places; /* in the chain, or behind it in the trust */
    } cases[] = {
        {"in order", {&leaf, &lower, &middle}, &root, "12"},
        {"the root is left out", {&leaf, &lower, &middle, &root}, &root, "12"},
        {"out of order", {&leaf, &middle, &lower}, &root, "21"},
        {"with strangers between", {&leaf, &stranger, &lower, &root, &middle}, &root, "24"},
        {"with everything twice", {&leaf, &lower, &lower, &middle, &middle, &leaf}, &root, "13"},
        {"one of the right name that signed nothing", {&leaf, &twin, &lower, &middle}, &root, "23"},
        {"the crossing that leads on", {&leaf, &lower, &middle, &cross}, &stranger, "3"},
        {"the other crossing", {&leaf, &cross, &lower, &middle}, &root, "23"},
        {"an anchor in the middle that was not sent", {&leaf, &lower}, &middle, "12"},
        {"an anchor in the middle that was, with what is above it", {&leaf, &lower, &middle, &root}, &middle, "12"},
        {"an anchor that signed the leaf", {&leaf}, &lower, "1"},
        {"signed by a root", {&stranger}, &stranger, ""},
        {"none for one that is expired", {&late, &lower, &middle}, &root, ""},
        {"none for one that is unknown", {&leaf, &lower, &middle}, &stranger, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t path[TLS_WAY_MAX], n = 0;
        struct judging j = {.ca = {cases[i].anchor}};
        while (n < 7 && cases[i].chain[n] != NULL)
            n++;
        size_t length = judging_way(&j, cases[i].chain, n, path);
        ck_assert_msg(length == strlen(cases[i].places), "%s: %zu certificates", cases[i].why, length);
        for (size_t k = 0; k < length; k++)
            ck_assert_msg(path[k] == (size_t)(cases[i].places[k] - '0'), "%s: certificate %zu is %zu", cases[i].why, k, path[k]);
    }
    certs_clear(&cross);
    certs_clear(&twin);
    certs_clear(&late);
}
END_TEST

/* A6: an issuer's name is proven by a CA of the trust alone. A CA below one may issue to a CA of any name, as the twin here is. */
START_TEST(tells_an_issuer_of_the_trust_from_one_that_was_sent)
{
    struct certs twin, of_twin;
    certs_make(&(struct certs_order){.cn = "Lower", .ca = true, .issuer = &middle}, &twin);
    certs_make(&(struct certs_order){.cn = "of twin", .issuer = &twin}, &of_twin);
    const struct {
        const char *why;
        const struct certs *chain[4];
        const struct certs *anchors[4];
        enum reason status;
        bool by_anchor;
    } cases[] = {
        {"below two that were sent", {&leaf, &lower, &middle}, {&root}, REASON_VALID, false},
        {"below one that was sent", {&leaf, &lower}, {&middle}, REASON_VALID, false},
        {"its issuer is of the trust", {&leaf}, {&lower}, REASON_VALID, true},
        {"its issuer and the root are, and it sends the rest", {&leaf, &lower, &middle}, {&root, &lower}, REASON_VALID, true},
        {"in the other order", {&leaf, &lower, &middle}, {&lower, &root}, REASON_VALID, true},
        {"a CA of the trust has the name, another key signed", {&of_twin, &twin, &middle}, {&root, &lower}, REASON_VALID, false},
        {"nothing is proven of what is not valid", {&leaf}, {&stranger}, REASON_UNKNOWN_CA, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct judging j = {.ca = {cases[i].anchors[0], cases[i].anchors[1]}};
        struct tls_trust *trust = judging_trust(&j);
        struct tls_question q = {.trust = trust, .now = CERTS_NOW};
        struct tls_verdict v;
        struct tls_path path = {.by_anchor = !cases[i].by_anchor};
        struct span ders[4];
        size_t n = 0;
        for (; n < 4 && cases[i].chain[n] != NULL; n++)
            ders[n] = cases[i].chain[n]->der;
        tls_judge_path(&q, ders, n, &v, &path);
        ck_assert_msg(v.status == cases[i].status && path.by_anchor == cases[i].by_anchor, "%s: %s", cases[i].why, v.text);
        tls_trust_unref(trust);
    }
    certs_clear(&twin);
    certs_clear(&of_twin);
}
END_TEST

/* Two certificates for one CA key and name, one of them expired: either order must find the good one. */
START_TEST(prefers_the_path_without_fault_among_cross_signed_ones)
{
    struct certs old_root, cross, renewed, end;
    struct tls_verdict v;
    certs_make(&(struct certs_order){.cn = "Old Root", .ca = true}, &old_root);
    certs_make(
        &(struct certs_order){.cn = "Issuing", .ca = true, .issuer = &old_root, .not_after = CERTS_NOW - 1},
        &cross);
    certs_make(&(struct certs_order){.cn = "Issuing", .ca = true, .issuer = &root, .same_key_as = &cross},
               &renewed);
    certs_make(&(struct certs_order){.cn = "end", .issuer = &cross}, &end);
    struct judging j = {.ca = {&old_root, &root}};
    const struct certs *both[] = {&end, &cross, &renewed}, *turned[] = {&end, &renewed, &cross},
                       *expired[] = {&end, &cross};
    judging_run(&j, both, 3, &v);
    ck_assert_msg(v.status == REASON_VALID, "%s", v.text);
    judging_run(&j, turned, 3, &v);
    ck_assert_msg(v.status == REASON_VALID, "%s", v.text);
    judging_run(&j, expired, 2, &v);
    ck_assert_msg(v.status == REASON_EXPIRED, "%s", v.text);
    certs_clear(&end);
    certs_clear(&renewed);
    certs_clear(&cross);
    certs_clear(&old_root);
}
END_TEST

START_TEST(tries_every_anchor_of_one_name)
{
    struct certs twin, child;
    struct tls_verdict v;
    certs_make(&(struct certs_order){.cn = "Root", .ca = true, .no_key_ids = true}, &twin);
    certs_make(&(struct certs_order){.cn = "child", .issuer = &twin, .no_key_ids = true}, &child);
    struct judging j = {.ca = {&root, &twin}};
    const struct certs *chain = &child;
    judging_run(&j, &chain, 1, &v);
    ck_assert_msg(v.status == REASON_VALID, "%s", v.text);
    certs_clear(&child);
    certs_clear(&twin);
}
END_TEST

static enum reason judge_through(const struct certs_order *ca_order, struct tls_verdict *v)
{
    struct certs ca, end;
    struct certs_order order = *ca_order;
    order.issuer = &root;
    order.cn = "Sub";
    certs_make(&order, &ca);
    certs_make(&(struct certs_order){.cn = "end", .issuer = &ca}, &end);
    struct judging j = {.ca = {&root}};
    const struct certs *chain[] = {&end, &ca};
    judging_run(&j, chain, 2, v);
    certs_clear(&end);
    certs_clear(&ca);
    return v->status;
}

START_TEST(holds_every_intermediate_to_the_rules)
{
    const struct {
        const char *why;
        struct certs_order order;
        enum reason status;
    } cases[] = {
        {"a good CA", {.ca = true}, REASON_VALID},
        {"a CA for clients", {.ca = true, .ekus = {GNUTLS_KP_TLS_WWW_CLIENT}}, REASON_VALID},
        {"a CA for anything", {.ca = true, .ekus = {"2.5.29.37.0"}}, REASON_VALID},
        {"A4 a CA for servers only", {.ca = true, .ekus = {GNUTLS_KP_TLS_WWW_SERVER}}, REASON_WRONG_PURPOSE},
        {"A4 a CA for nothing", {.ca = true, .raw_eku = {(const uint8_t *)"\x30\x00", 2}}, REASON_WRONG_PURPOSE},
        {"not a CA", {.usage = GNUTLS_KEY_KEY_CERT_SIGN}, REASON_CONSTRAINT},
        {"no basicConstraints",
         {.no_basic_constraints = true, .usage = GNUTLS_KEY_KEY_CERT_SIGN},
         REASON_CONSTRAINT},
        {"a version 1 certificate", {.version = 1}, REASON_CONSTRAINT},
        {"a CA that may not sign", {.ca = true, .usage = GNUTLS_KEY_CRL_SIGN}, REASON_CONSTRAINT},
        {"an expired CA", {.ca = true, .not_after = CERTS_NOW - 1}, REASON_EXPIRED},
        {"a CA of tomorrow", {.ca = true, .not_before = CERTS_NOW + 1}, REASON_NOT_YET_VALID},
        {"a CA with a weak key", {.ca = true, .key = CERTS_RSA_1024}, REASON_WEAK},
        {"a CA signed with SHA-1", {.ca = true, .digest = GNUTLS_DIG_SHA1}, REASON_WEAK},
        {"a CA with an unknown critical extension",
         {.ca = true, .extension = "1.2.3.4", .extension_critical = true},
         REASON_CONSTRAINT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_verdict v;
        judge_through(&cases[i].order, &v);
        ck_assert_msg(v.status == cases[i].status, "%s: %s", cases[i].why, v.text);
    }
}
END_TEST

START_TEST(holds_the_anchor_to_its_dates_but_not_to_its_own_signature)
{
    struct certs old, sha1, end, fine;
    struct tls_verdict v;
    certs_make(&(struct certs_order){.cn = "Old", .ca = true, .not_after = CERTS_NOW - 1}, &old);
    certs_make(&(struct certs_order){.cn = "Sha1", .ca = true, .digest = GNUTLS_DIG_SHA1}, &sha1);
    certs_make(&(struct certs_order){.cn = "end", .issuer = &old}, &end);
    certs_make(&(struct certs_order){.cn = "fine", .issuer = &sha1}, &fine);
    struct judging j = {.ca = {&old, &sha1}};
    const struct certs *chain = &end;
    judging_run(&j, &chain, 1, &v);
    ck_assert_msg(v.status == REASON_EXPIRED, "%s", v.text);
    chain = &fine;
    judging_run(&j, &chain, 1, &v);
    ck_assert_msg(v.status == REASON_VALID, "%s", v.text);
    certs_clear(&fine);
    certs_clear(&end);
    certs_clear(&sha1);
    certs_clear(&old);
}
END_TEST

START_TEST(holds_path_length)
{
    struct certs top, one, two, end;
    struct tls_verdict v;
    certs_make(&(struct certs_order){.cn = "Top", .ca = true, .path_length = 1 + 1},
               &top); /* one intermediate allowed */
    certs_make(&(struct certs_order){.cn = "One", .ca = true, .issuer = &top}, &one);
    certs_make(&(struct certs_order){.cn = "Two", .ca = true, .issuer = &one}, &two);
    certs_make(&(struct certs_order){.cn = "end", .issuer = &two}, &end);
    struct judging j = {.ca = {&top}};
    const struct certs *chain[] = {&end, &two, &one};
    judging_run(&j, chain, 3, &v);
    ck_assert_msg(v.status == REASON_CONSTRAINT && v.openssl_error == 25, "%s", v.text);
    certs_clear(&end);
    certs_make(&(struct certs_order){.cn = "end", .issuer = &one}, &end);
    chain[1] = &one;
    judging_run(&j, chain, 2, &v);
    ck_assert_msg(v.status == REASON_VALID, "%s", v.text);
    certs_clear(&end);
    certs_clear(&two);
    certs_clear(&one);
    certs_clear(&top);
}
END_TEST

/* A7: a chain of n certificates, the trusted root not among them. */
static void judge_chain_of(size_t n, unsigned depth, struct tls_verdict *v)
{
    enum { MOST = 128 };
    static struct certs made[MOST];
    const struct certs *chain[MOST];
    ck_assert_uint_le(n, MOST);
    for (size_t i = 0; i < n; i++) {
        char cn[32];
        snprintf(cn, sizeof(cn), "%s%zu", i + 1 == n ? "leaf" : "CA ", i);
        certs_make(&(struct certs_order){.cn = cn, .ca = i + 1 < n, .issuer = i == 0 ? &root : &made[i - 1]},
                   &made[i]);
        chain[n - 1 - i] = &made[i];
    }
    struct judging j = {.ca = {&root}, .depth = depth};
    judging_run(&j, chain, n, v);
    for (size_t i = 0; i < n; i++)
        certs_clear(&made[i]);
}

START_TEST(a7_limits_the_length_of_a_chain)
{
    const struct {
        size_t n;
        unsigned depth;
        enum reason reason;
    } cases[] = {{7, 8, REASON_VALID},       {8, 8, REASON_CONSTRAINT},   {9, 8, REASON_CONSTRAINT},
                 {2, 2, REASON_CONSTRAINT},  {1, 2, REASON_VALID},        {15, 16, REASON_VALID},
                 {17, 8, REASON_CONSTRAINT}, {100, 8, REASON_CONSTRAINT}, {100, 1000, REASON_CONSTRAINT}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_verdict v;
        judge_chain_of(cases[i].n, cases[i].depth, &v);
        if (cases[i].reason == REASON_VALID)
            ck_assert_msg(v.status == REASON_VALID, "%zu: %s", cases[i].n, v.text);
        else
            ck_assert_msg(v.status != REASON_VALID && (v.all >> cases[i].reason & 1) == 1, "%zu: %s",
                          cases[i].n, v.text);
    }
}
END_TEST

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* A7: the least of three, because a busy machine is not what is measured. */
static double cost_of(const struct judging *j, const struct certs *const *chain, size_t n,
                      struct tls_verdict *v)
{
    double least = 1e9;
    for (int i = 0; i < 3; i++) {
        double before = cpu_ms();
        judging_run(j, chain, n, v);
        double ms = cpu_ms() - before;
        least = ms < least ? ms : least;
    }
    return least;
}

START_TEST(a7_bounds_the_work_on_4000_certificates)
{
    const struct certs *chain[4000];
    struct tls_verdict v;
    struct judging j = {.ca = {&root}};
    chain[0] = &leaf;
    for (size_t i = 1; i < 4000; i++)
        chain[i] = i % 2 == 0 ? &stranger : &middle;
    double ms = cost_of(&j, chain, 4000, &v);
    ck_assert_msg(v.status != REASON_VALID && (v.all >> REASON_CONSTRAINT & 1) == 1, "%s", v.text);
    ck_assert_msg(ms < CERTS_WORK_LIMIT_MS, "%f ms", ms);
}
END_TEST

/* A7: every certificate could be the issuer of every other: all of one name, without key identifiers.
 * Signatures are what costs. */
START_TEST(a7_bounds_the_work_on_a_web_of_look_alikes)
{
    enum { N = 60 };
    static struct certs webs[N];
    const struct certs *chain[N + 1];
    struct certs end;
    struct tls_verdict v;
    for (size_t i = 0; i < N; i++) {
        certs_make(&(struct certs_order){.cn = "Web",
                                         .ca = true,
                                         .no_key_ids = true,
                                         .key = CERTS_P384,
                                         .same_key_as = i > 0 ? &webs[0] : NULL},
                   &webs[i]);
        chain[i + 1] = &webs[i];
    }
    certs_make(&(struct certs_order){.cn = "end", .issuer = &webs[0], .no_key_ids = true}, &end);
    chain[0] = &end;
    struct judging j = {.ca = {&root}};
    double ms = cost_of(&j, chain, N + 1, &v);
    ck_assert_msg(v.status == REASON_UNKNOWN_CA, "%s", v.text);
    ck_assert_msg(ms < CERTS_WORK_LIMIT_MS, "%f ms", ms);
    certs_clear(&end);
    for (size_t i = 0; i < N; i++)
        certs_clear(&webs[i]);
}
END_TEST

/* A7: CAs whose keys are made to be slow. Nothing is signed by them, but finding that out is what would cost.
 */
START_TEST(a7_bounds_the_work_on_monstrous_keys)
{
    const struct {
        size_t modulus, exponent;
    } keys[] = {{2048, 3}, {2048, 2048}, {1024, 1024}, {512, 512}};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct certs slow, end;
        struct tls_verdict v;
        certs_make(&(struct certs_order){.cn = "Slow",
                                         .ca = true,
                                         .rsa_bytes = keys[i].modulus,
                                         .exponent_bytes = keys[i].exponent,
                                         .key = CERTS_RSA_1024,
                                         .no_key_ids = true},
                   &slow);
        certs_make(
            &(struct certs_order){
                .cn = "end", .issuer = &slow, .signature_bytes = keys[i].modulus, .no_key_ids = true},
            &end);
        const struct certs *chain[60] = {&end};
        for (size_t n = 1; n < 60; n++)
            chain[n] = &slow;
        struct judging j = {.ca = {&root}};
        double ms = cost_of(&j, chain, 60, &v);
        ck_assert_msg(v.status == REASON_UNKNOWN_CA, "%s", v.text);
        ck_assert_msg(ms < CERTS_WORK_LIMIT_MS, "%zu: %f ms", i, ms);
        certs_clear(&end);
        certs_clear(&slow);
    }
}
END_TEST

/* Of two faulty paths the one with the milder fault counts, in whichever order they are met. */
START_TEST(reports_the_mildest_of_several_faulty_paths)
{
    struct certs old, other, end;
    struct tls_verdict v;
    certs_make(
        &(struct certs_order){.cn = "Issuing", .ca = true, .issuer = &root, .not_after = CERTS_NOW - 1},
        &old);
    certs_make(&(struct certs_order){.cn = "Issuing",
                                     .ca = true,
                                     .issuer = &root,
                                     .same_key_as = &old,
                                     .ekus = {GNUTLS_KP_CODE_SIGNING}},
               &other);
    certs_make(&(struct certs_order){.cn = "end", .issuer = &old}, &end);
    struct judging j = {.ca = {&root}};
    const struct certs *one[] = {&end, &old, &other}, *two[] = {&end, &other, &old};
    judging_run(&j, one, 3, &v);
    ck_assert_msg(v.status == REASON_WRONG_PURPOSE, "%s", v.text);
    judging_run(&j, two, 3, &v);
    ck_assert_msg(v.status == REASON_WRONG_PURPOSE, "%s", v.text);
    certs_clear(&end);
    certs_clear(&other);
    certs_clear(&old);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_path");
    TCase *c = tcase_create("path");
    tcase_add_checked_fixture(c, make_chain, clear_chain);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, finds_the_way_through_what_was_presented);
    tcase_add_test(c, tells_the_path_that_was_verified_and_nothing_else);
    tcase_add_test(c, tells_an_issuer_of_the_trust_from_one_that_was_sent);
    tcase_add_test(c, prefers_the_path_without_fault_among_cross_signed_ones);
    tcase_add_test(c, tries_every_anchor_of_one_name);
    tcase_add_test(c, holds_every_intermediate_to_the_rules);
    tcase_add_test(c, holds_the_anchor_to_its_dates_but_not_to_its_own_signature);
    tcase_add_test(c, holds_path_length);
    tcase_add_test(c, a7_limits_the_length_of_a_chain);
    tcase_add_test(c, a7_bounds_the_work_on_4000_certificates);
    tcase_add_test(c, a7_bounds_the_work_on_a_web_of_look_alikes);
    tcase_add_test(c, a7_bounds_the_work_on_monstrous_keys);
    tcase_add_test(c, reports_the_mildest_of_several_faulty_paths);
    suite_add_tcase(s, c);
    return s;
}
