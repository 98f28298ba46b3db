/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "big_crl.h"
#include "judging.h"
#include "openssl_pki.h"
#include "tls_crl_set.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static struct certs root, middle, leaf;

static void make_chain(void)
{
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &root);
    certs_make(&(struct certs_order){.cn = "Middle", .ca = true, .issuer = &root, .serial = 50}, &middle);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &middle, .serial = 60}, &leaf);
}

static void clear_chain(void)
{
    certs_clear(&leaf);
    certs_clear(&middle);
    certs_clear(&root);
}

static void judge_chain(const struct judging *j, struct tls_verdict *v)
{
    const struct certs *chain[] = {&leaf, &middle};
    judging_run(j, chain, 2, v);
}

/* Both lists of the chain, with the serials given (0: none). */
static void lists(uint64_t by_root, uint64_t by_middle, struct certs_crl out[2])
{
    certs_make_crl(&(struct certs_crl_order){.issuer = &root, .serials = &by_root, .n_serials = by_root != 0},
                   &out[0]);
    certs_make_crl(
        &(struct certs_crl_order){.issuer = &middle, .serials = &by_middle, .n_serials = by_middle != 0},
        &out[1]);
}

START_TEST(f1_revokes_at_every_level)
{
    const struct {
        const char *why;
        uint64_t by_root, by_middle;
        enum reason status;
    } cases[] = {
        {"nobody is revoked", 0, 0, REASON_VALID},
        {"others are revoked", 51, 61, REASON_VALID},
        {"the leaf is", 0, 60, REASON_REVOKED},
        {"the intermediate is", 50, 0, REASON_REVOKED},
        {"the leaf's serial, by the wrong CA", 60, 0, REASON_VALID},
        {"the intermediate's serial, by the wrong CA", 0, 50, REASON_VALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct certs_crl crl[2];
        struct tls_verdict v;
        lists(cases[i].by_root, cases[i].by_middle, crl);
        struct judging j = {.ca = {&root}, .crl = {&crl[0], &crl[1]}, .crl_required = true};
        judge_chain(&j, &v);
        ck_assert_msg(v.status == cases[i].status, "%s: %s", cases[i].why, v.text);
        j = (struct judging){.ca = {&root, &middle}, .crl = {&crl[1], &crl[0]}, .crl_required = true};
        judge_chain(&j,
                    &v); /* the way now ends at the intermediate, which is an anchor and cannot be revoked */
        ck_assert_msg((v.status == REASON_REVOKED) == (cases[i].by_middle == 60), "%s: %s", cases[i].why,
                      v.text);
        certs_crl_clear(&crl[0]);
        certs_crl_clear(&crl[1]);
    }
}
END_TEST

START_TEST(f1_requires_a_list_of_every_issuer_when_asked_to)
{
    struct certs_crl crl[2];
    struct tls_verdict v;
    lists(0, 0, crl);
    for (size_t i = 0; i < 2; i++) {
        struct judging j = {.ca = {&root}, .crl = {&crl[i]}, .crl_required = true};
        judge_chain(&j, &v);
        ck_assert_int_eq(v.status, REASON_CRL_MISSING);
        ck_assert_int_eq(v.openssl_error, 3);
        j.crl_required = false;
        judge_chain(&j, &v);
        ck_assert_int_eq(v.status, REASON_VALID);
        certs_crl_clear(&crl[i]);
    }
}
END_TEST

START_TEST(f1_watches_the_age_of_a_list_at_every_judgement)
{
    struct certs_crl crl[2];
    struct tls_verdict v;
    lists(0, 0, crl);
    const int64_t from = CERTS_NOW - CERTS_DAY, to = CERTS_NOW + 7 * CERTS_DAY;
    const struct {
        const char *why;
        int64_t now, grace;
        bool required;
        enum reason status;
    } cases[] = {
        {"its last second", to, 0, true, REASON_VALID},
        {"a second later", to + 1, 0, true, REASON_CRL_STALE},
        {"a second later, not required", to + 1, 0, false, REASON_VALID},
        {"the last second of grace", to + 3600, 3600, true, REASON_VALID},
        {"grace is over", to + 3601, 3600, true, REASON_CRL_STALE},
        {"its first second", from, 0, true, REASON_VALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct judging j = {.ca = {&root},
                            .crl = {&crl[0], &crl[1]},
                            .crl_required = cases[i].required,
                            .crl_grace = cases[i].grace,
                            .now = cases[i].now};
        judge_chain(&j, &v);
        ck_assert_msg(v.status == cases[i].status, "%s: %s", cases[i].why, v.text);
    }
    certs_crl_clear(&crl[0]);
    certs_crl_clear(&crl[1]);
}
END_TEST

START_TEST(f1_does_not_use_a_list_from_the_future)
{
    struct certs end;
    struct certs_crl crl;
    struct tls_verdict v;
    certs_make(&(struct certs_order){.cn = "end", .issuer = &root}, &end);
    certs_make_crl(&(struct certs_crl_order){.issuer = &root, .this_update = CERTS_NOW + 1}, &crl);
    struct judging j = {.ca = {&root}, .crl = {&crl}, .crl_required = true};
    const struct certs *chain = &end;
    judging_run(&j, &chain, 1, &v);
    ck_assert_int_eq(v.status, REASON_CRL_STALE);
    certs_crl_clear(&crl);
    certs_clear(&end);
}
END_TEST

START_TEST(a_stale_list_still_revokes)
{
    struct certs_crl crl[2];
    struct tls_verdict v;
    lists(0, 60, crl);
    struct judging j = {.ca = {&root}, .crl = {&crl[0], &crl[1]}, .now = CERTS_NOW + 30 * CERTS_DAY};
    judge_chain(&j, &v);
    ck_assert_int_eq(v.status, REASON_REVOKED);
    certs_crl_clear(&crl[0]);
    certs_crl_clear(&crl[1]);
}
END_TEST

START_TEST(the_newest_list_of_a_ca_answers)
{
    struct certs end;
    struct certs_crl older, newer;
    struct tls_verdict v;
    uint64_t held = 70;
    certs_make(&(struct certs_order){.cn = "end", .issuer = &root, .serial = 70}, &end);
    certs_make_crl(
        &(struct certs_crl_order){
            .issuer = &root, .serials = &held, .n_serials = 1, .this_update = CERTS_NOW - 2000},
        &older);
    certs_make_crl(&(struct certs_crl_order){.issuer = &root, .this_update = CERTS_NOW - 1000}, &newer);
    const struct certs *chain = &end;
    struct judging j = {.ca = {&root}, .crl = {&older, &newer}};
    judging_run(&j, &chain, 1, &v);
    ck_assert_int_eq(v.status, REASON_VALID);
    j = (struct judging){.ca = {&root}, .crl = {&newer, &older}};
    judging_run(&j, &chain, 1, &v);
    ck_assert_int_eq(v.status, REASON_VALID);
    j = (struct judging){.ca = {&root}, .crl = {&older}};
    judging_run(&j, &chain, 1, &v);
    ck_assert_int_eq(v.status, REASON_REVOKED);
    certs_crl_clear(&newer);
    certs_crl_clear(&older);
    certs_clear(&end);
}
END_TEST

/* A CA that was given a new key keeps its name: a list signed by one key says nothing about the other's
 * certificates. */
START_TEST(f1_keeps_two_keys_of_one_name_apart)
{
    struct certs again, end;
    struct certs_crl crl;
    struct tls_verdict v;
    uint64_t serial = 80;
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &again);
    certs_make(&(struct certs_order){.cn = "end", .issuer = &again, .serial = 80}, &end);
    certs_make_crl(&(struct certs_crl_order){.issuer = &root, .serials = &serial, .n_serials = 1}, &crl);
    const struct certs *chain = &end;
    struct judging j = {.ca = {&root, &again}, .crl = {&crl}};
    judging_run(&j, &chain, 1, &v);
    ck_assert_int_eq(v.status, REASON_VALID);
    j.crl_required = true;
    judging_run(&j, &chain, 1, &v);
    ck_assert_int_eq(v.status, REASON_CRL_MISSING);
    certs_crl_clear(&crl);
    certs_clear(&end);
    certs_clear(&again);
}
END_TEST

/* The list of an intermediate that is met only in a handshake must be signed by that intermediate. */
START_TEST(f1_believes_no_list_signed_by_another_key)
{
    struct certs thief;
    struct certs_crl crl[2];
    struct tls_verdict v;
    uint64_t serial = 60;
    certs_make(&(struct certs_order){.cn = "Thief", .ca = true}, &thief);
    certs_make_crl(&(struct certs_crl_order){.issuer = &root}, &crl[0]);
    certs_make_crl(
        &(struct certs_crl_order){.issuer = &middle, .serials = &serial, .n_serials = 1, .signed_by = &thief},
        &crl[1]);
    struct judging j = {.ca = {&root}, .crl = {&crl[0], &crl[1]}};
    judge_chain(&j, &v);
    ck_assert_int_eq(v.status, REASON_VALID);
    j.crl_required = true;
    judge_chain(&j, &v);
    ck_assert_int_eq(v.status, REASON_CRL_MISSING);
    certs_crl_clear(&crl[0]);
    certs_crl_clear(&crl[1]);
    certs_clear(&thief);
}
END_TEST

/* Loads one list below one CA and gives the refusal. */
static void load(struct span ca_pem, struct span list, struct tls_trust **trust, struct findings *notes,
                 struct err *err)
{
    struct tls_file ca = {"ca.pem", ca_pem}, crl = {"the.crl", list};
    struct tls_trust_spec spec = {.name = "t", .ca = &ca, .n_ca = 1, .crl = &crl, .n_crl = 1};
    *err = (struct err){0};
    findings_init(notes);
    *trust = tls_trust_new(&spec, CERTS_NOW, notes, err);
}

static void expect_refusal(struct span ca_pem, struct span list, const char *says)
{
    struct tls_trust *trust;
    struct findings notes;
    struct err err;
    load(ca_pem, list, &trust, &notes, &err);
    ck_assert_msg(trust == NULL, "accepted, though: %s", says);
    ck_assert_int_eq(err.kind, ERR_CREDENTIAL);
    ck_assert_msg(strstr(err.text, says) != NULL, "%s (wanted: %s)", err.text, says);
    ck_assert_msg(strstr(err.text, "the.crl") != NULL, "%s", err.text);
    findings_clear(&notes);
}

START_TEST(f1_refuses_lists_it_cannot_honour)
{
    const struct {
        const char *file, *ca, *says;
    } cases[] = {
        {"delta.crl", "ca.pem", "delta"},
        {"indirect.crl", "ca.pem", "issuingDistributionPoint"},
        {"scoped.crl", "ca.pem", "issuingDistributionPoint"},
        {"unknown.crl", "ca.pem", "critical extension"},
        {"mute.crl", "mute.pem", "cRLSign"},
        {"good.pem", "ca.pem", "CERTIFICATE does not belong"},
        {"ca.key", "ca.pem", "EC PRIVATE KEY does not belong"},
        {"ca.der", "ca.pem", "not a readable revocation list"},
        {"serial", "ca.pem", "no PEM block"},
    };
    struct openssl_pki pki;
    openssl_pki_make(&pki);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct span ca = openssl_pki_read(&pki, cases[i].ca), list = openssl_pki_read(&pki, cases[i].file);
        expect_refusal(ca, list, cases[i].says);
        certs_free(ca);
        certs_free(list);
    }
    openssl_pki_clear(&pki);
}
END_TEST

START_TEST(f1_refuses_a_list_that_a_trusted_ca_did_not_sign)
{
    struct certs thief;
    struct certs_crl forged, weak, good;
    certs_make(&(struct certs_order){.cn = "Thief", .ca = true}, &thief);
    certs_make_crl(&(struct certs_crl_order){.issuer = &root, .signed_by = &thief}, &forged);
    certs_make_crl(&(struct certs_crl_order){.issuer = &root, .digest = GNUTLS_DIG_SHA1}, &weak);
    certs_make_crl(&(struct certs_crl_order){.issuer = &root}, &good);
    expect_refusal(root.pem, forged.pem, "not signed by that CA's key");
    expect_refusal(root.pem, weak.pem, "too weak");
    expect_refusal(root.pem, span_of(good.pem.ptr, 0), "empty");
    expect_refusal(root.pem, span_of(good.pem.ptr, good.pem.len / 2), "cut short");
    for (size_t cut = 2; cut < good.der.len; cut++) /* half written, at every byte */
        expect_refusal(root.pem, span_of(good.der.ptr, cut), "not a readable");
    uint8_t *bytes = (uint8_t *)(uintptr_t)good.der.ptr;
    for (size_t i = 0; i < good.der.len; i++) {
        bytes[i] ^= 0x04;
        struct tls_trust *trust;
        struct findings notes;
        struct err err;
        load(root.pem, good.der, &trust, &notes, &err);
        ck_assert_msg(trust == NULL || notes.warnings > 0, "byte %zu",
                      i); /* a changed issuer is nobody's list, with a warning */
        findings_clear(&notes);
        tls_trust_unref(trust);
        bytes[i] ^= 0x04;
    }
    certs_crl_clear(&good);
    certs_crl_clear(&weak);
    certs_crl_clear(&forged);
    certs_clear(&thief);
}
END_TEST

START_TEST(warns_of_lists_that_are_stale_or_of_nobody)
{
    struct certs_crl stale, foreign;
    struct tls_trust *trust;
    struct findings notes;
    struct err err;
    certs_make_crl(&(struct certs_crl_order){.issuer = &root, .next_update = CERTS_NOW - 1}, &stale);
    certs_make_crl(&(struct certs_crl_order){.issuer = &middle}, &foreign);
    load(root.pem, stale.pem, &trust, &notes, &err);
    ck_assert_ptr_nonnull(trust);
    ck_assert_uint_eq(notes.warnings, 1);
    ck_assert_ptr_nonnull(strstr(notes.items[0].text, "stale since 2026-01-15T11:59:59Z"));
    findings_clear(&notes);
    tls_trust_unref(trust);
    load(root.pem, foreign.pem, &trust, &notes, &err);
    ck_assert_ptr_nonnull(trust);
    ck_assert_uint_eq(notes.warnings, 1);
    ck_assert_ptr_nonnull(strstr(notes.items[0].text, "CN=Middle"));
    findings_clear(&notes);
    tls_trust_unref(trust);
    certs_crl_clear(&foreign);
    certs_crl_clear(&stale);
}
END_TEST

START_TEST(reads_what_openssl_wrote_in_pem_and_der)
{
    struct openssl_pki pki;
    openssl_pki_make(&pki);
    struct span ca = openssl_pki_read(&pki, "ca.pem"), good = openssl_pki_read(&pki, "good.der"),
                bad = openssl_pki_read(&pki, "bad.der");
    const char *const files[] = {"plain.crl", "plain.der"};
    for (size_t i = 0; i < 2; i++) {
        struct span list = openssl_pki_read(&pki, files[i]);
        struct tls_trust *trust;
        struct findings notes;
        struct err err;
        load(ca, list, &trust, &notes, &err);
        ck_assert_msg(trust != NULL, "%s: %s", files[i], err.text);
        struct tls_trust_facts facts;
        tls_trust_facts(trust, &facts);
        ck_assert_uint_eq(facts.n_crl, 1);
        ck_assert_uint_eq(facts.n_revoked, 1);
        ck_assert_int_eq(facts.first_next_update, 1798761600); /* 2027-01-01 */
        struct tls_question q = {.trust = trust, .now = CERTS_NOW};
        struct tls_verdict v;
        tls_judge(&q, &good, 1, &v);
        ck_assert_msg(v.status == REASON_VALID, "%s: %s", files[i], v.text);
        tls_judge(&q, &bad, 1, &v);
        ck_assert_msg(v.status == REASON_REVOKED, "%s: %s", files[i], v.text);
        findings_clear(&notes);
        tls_trust_unref(trust);
        certs_free(list);
    }
    certs_free(bad);
    certs_free(good);
    certs_free(ca);
    openssl_pki_clear(&pki);
}
END_TEST

START_TEST(finds_each_of_many_and_nothing_else)
{
    enum { MANY = 5000 };
    static uint64_t serials[MANY];
    struct certs_crl crl;
    for (size_t i = 0; i < MANY; i++)
        serials[i] = 1 + 3 * i;
    certs_make_crl(&(struct certs_crl_order){.issuer = &root, .serials = serials, .n_serials = MANY}, &crl);
    struct judging j = {.ca = {&root}, .crl = {&crl}};
    struct tls_trust *trust = judging_trust(&j);
    const struct tls_anchor *anchor = tls_trust_anchor(trust, 0);
    struct tls_crl_held *held = tls_crl_set_take(tls_trust_crls(trust));
    for (uint64_t n = 1; n < 3 * MANY; n++) {
        uint8_t bytes[4] = {0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
        struct tls_crl_answer answer;
        tls_crl_look_up(held->index, &anchor->cert, anchor->crt, span_of(bytes, 4), &answer);
        ck_assert(answer.covered);
        ck_assert_msg(answer.revoked == (n % 3 == 1), "%u", (unsigned)n);
    }
    tls_crl_set_give(held);
    tls_trust_unref(trust);
    certs_crl_clear(&crl);
}
END_TEST

/* Targets of the design: 40 bytes at most for an entry with a serial of 20 bytes, also where the table has just been doubled. */
START_TEST(a_million_entries_take_less_than_40_mb)
{
    static const size_t sizes[] = {1000, 5461, 5462, 10922, 10923, 43691};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct span der = big_crl_make(&(struct big_crl_order){.issuer = &root, .n = sizes[i]});
        struct tls_trust *trust;
        struct findings notes;
        struct err err;
        load(root.pem, der, &trust, &notes, &err);
        ck_assert_msg(trust != NULL, "%s", err.text);
        struct tls_crl_held *held = tls_crl_set_take(tls_trust_crls(trust));
        struct tls_crl_totals totals;
        tls_crl_totals(held->index, &totals);
        ck_assert_uint_eq(totals.revoked, sizes[i]);
        ck_assert_msg(totals.bytes <= 40 * sizes[i] + 64, "%zu entries: %zu bytes", sizes[i], totals.bytes);
        ck_assert_uint_ge(totals.bytes, 20 * sizes[i]);
        tls_crl_set_give(held);
        findings_clear(&notes);
        tls_trust_unref(trust);
        certs_free(der);
    }
}
END_TEST

/* A7: a list of an intermediate is checked in a handshake. What EdDSA signed is then hashed in full, so it must not be long. */
START_TEST(a7_refuses_a_long_eddsa_list_of_nobody_known)
{
    static const struct {
        const char *why;
        enum certs_key key;
        size_t n;
        bool known, refused;
    } cases[] = {
        {"EdDSA of a trusted CA: checked where it is loaded", CERTS_ED25519, 30000, true, false},
        {"EdDSA of an intermediate", CERTS_ED25519, 30000, false, true},
        {"ECDSA of an intermediate", CERTS_P256, 30000, false, false},
        {"EdDSA of an intermediate, short", CERTS_ED25519, 20000, false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct certs ca, end;
        certs_make(&(struct certs_order){.cn = "Sub", .ca = true, .key = cases[i].key, .issuer = cases[i].known ? NULL : &root}, &ca);
        certs_make(&(struct certs_order){.cn = "end", .issuer = &ca, .serial = 0x1234}, &end);
        struct span der = big_crl_make(&(struct big_crl_order){.issuer = &ca, .n = cases[i].n, .also = span_of("\x12\x34", 2)});
        struct tls_trust *trust;
        struct findings notes;
        struct err err;
        load(cases[i].known ? ca.pem : root.pem, der, &trust, &notes, &err);
        ck_assert_msg((trust == NULL) == cases[i].refused, "%s: %s", cases[i].why, err.text);
        ck_assert_msg(trust != NULL || strstr(err.text, "the.crl: the revocation list is longer than 1024 KiB and signed with EdDSA") != NULL, "%s: %s", cases[i].why, err.text);
        if (trust != NULL) {
            struct tls_question q = {.trust = trust, .now = CERTS_NOW};
            struct tls_verdict v;
            const struct span chain[] = {end.der, ca.der};
            tls_judge(&q, chain, 2, &v);
            ck_assert_msg(v.status == REASON_REVOKED, "%s: %s", cases[i].why, v.text);
        }
        findings_clear(&notes);
        tls_trust_unref(trust);
        certs_free(der);
        certs_clear(&end);
        certs_clear(&ca);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_crl");
    TCase *c = tcase_create("crl");
    tcase_add_checked_fixture(c, make_chain, clear_chain);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, f1_revokes_at_every_level);
    tcase_add_test(c, f1_requires_a_list_of_every_issuer_when_asked_to);
    tcase_add_test(c, f1_watches_the_age_of_a_list_at_every_judgement);
    tcase_add_test(c, f1_does_not_use_a_list_from_the_future);
    tcase_add_test(c, a_stale_list_still_revokes);
    tcase_add_test(c, the_newest_list_of_a_ca_answers);
    tcase_add_test(c, f1_keeps_two_keys_of_one_name_apart);
    tcase_add_test(c, f1_believes_no_list_signed_by_another_key);
    tcase_add_test(c, f1_refuses_lists_it_cannot_honour);
    tcase_add_test(c, f1_refuses_a_list_that_a_trusted_ca_did_not_sign);
    tcase_add_test(c, warns_of_lists_that_are_stale_or_of_nobody);
    tcase_add_test(c, reads_what_openssl_wrote_in_pem_and_der);
    tcase_add_test(c, finds_each_of_many_and_nothing_else);
    tcase_add_test(c, a_million_entries_take_less_than_40_mb);
    tcase_add_test(c, a7_refuses_a_long_eddsa_list_of_nobody_known);
    suite_add_tcase(s, c);
    return s;
}
