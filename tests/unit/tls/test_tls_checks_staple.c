/* SPDX-License-Identifier: Apache-2.0 */
/* Stapled OCSP answers (F2): one that says "revoked" refuses, and a certificate that requires an answer is refused without a good one. */
#include "t.h"

#include "judging.h"
#include "ocsp_maker.h"
#include "tls_checks.h"

#include <string.h>

#define HOUR INT64_C(3600)
#define OCSP_SIGNING "1.3.6.1.5.5.7.3.9"
#define DELEGATE .ca = false, .ekus = {OCSP_SIGNING}, .usage = GNUTLS_KEY_DIGITAL_SIGNATURE

static struct certs root, other_root, same_name, leaf, must, neighbour, impostor;
/* responders: the first is right, the others are not */
enum { RIGHT, NO_USAGE, NO_PURPOSE, ANY_PURPOSE, EXPIRED, OF_OTHER, OF_SAME_NAME, WEAK, SHA1, WRONG_USAGE, CRITICAL, SELF_SIGNED, TAKEN_BACK, N_RESPONDERS };
static struct certs responders[N_RESPONDERS];
static struct certs_crl list;

static void make(void)
{
    const struct certs_order orders[N_RESPONDERS] = {
        [RIGHT] = {.cn = "responder", .issuer = &root, DELEGATE},
        [NO_USAGE] = {.cn = "responder", .issuer = &root, .ekus = {OCSP_SIGNING}, .no_usage = true},
        [NO_PURPOSE] = {.cn = "responder", .issuer = &root, .ekus = {"1.3.6.1.5.5.7.3.1"}},
        [ANY_PURPOSE] = {.cn = "responder", .issuer = &root, .ekus = {"2.5.29.37.0"}},
        [EXPIRED] = {.cn = "responder", .issuer = &root, DELEGATE, .not_before = CERTS_NOW - 9 * CERTS_DAY, .not_after = CERTS_NOW - 1},
        [OF_OTHER] = {.cn = "responder", .issuer = &other_root, DELEGATE},
        [OF_SAME_NAME] = {.cn = "responder", .issuer = &same_name, DELEGATE},
        [WEAK] = {.cn = "responder", .issuer = &root, DELEGATE, .key = CERTS_RSA_1024},
        [SHA1] = {.cn = "responder", .issuer = &root, DELEGATE, .digest = GNUTLS_DIG_SHA1},
        [WRONG_USAGE] = {.cn = "responder", .issuer = &root, .ekus = {OCSP_SIGNING}, .usage = GNUTLS_KEY_KEY_ENCIPHERMENT},
        [CRITICAL] = {.cn = "responder", .issuer = &root, DELEGATE, .extension = "1.2.3.4", .extension_critical = true},
        [SELF_SIGNED] = {.cn = "responder", DELEGATE},
        [TAKEN_BACK] = {.cn = "responder", .issuer = &root, DELEGATE, .serial = 666},
    };
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &root);
    certs_make(&(struct certs_order){.cn = "Other", .ca = true}, &other_root);
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &same_name);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &root}, &leaf);
    certs_make(&(struct certs_order){.cn = "must", .issuer = &root, .extension = "1.3.6.1.5.5.7.1.24", .extension_value = span_of("\x30\x03\x02\x01\x05", 5)},
               &must);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &root}, &neighbour);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &same_name}, &impostor);
    for (size_t i = 0; i < N_RESPONDERS; i++)
        certs_make(&orders[i], &responders[i]);
    const uint64_t serials[] = {666};
    certs_make_crl(&(struct certs_crl_order){.issuer = &root, .serials = serials, .n_serials = 1}, &list);
}

static void clear(void)
{
    struct certs *all[] = {&root, &other_root, &same_name, &leaf, &must, &neighbour, &impostor};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        certs_clear(all[i]);
    for (size_t i = 0; i < N_RESPONDERS; i++)
        certs_clear(&responders[i]);
    certs_crl_clear(&list);
}

static enum reason judged(const struct certs *cert, struct span staple, struct tls_verdict *v)
{
    const struct certs *chain[] = {cert};
    const struct judging how = {.ca = {&root}, .crl = {&list}, .purpose = TLS_PURPOSE_SERVER, .asked_to_staple = true, .staple = staple};
    judging_run(&how, chain, 1, v);
    return v->status;
}

#define BY(which) .signer = &responders[which], .sent = {&responders[which]}
/* What an answer does: refuses (REVOKED), is good (VALID), or is ignored (MISSING). */
enum { REVOKED = REASON_REVOKED, GOOD = REASON_VALID, IGNORED = REASON_STAPLE_MISSING };
static const struct row {
    const char *why;
    int does;
    const char *fault;
    struct ocsp_order order;
} rows[] = {
    {"revoked, by the issuer", REVOKED, NULL, {.status = OCSP_REVOKED}},
    {"revoked, by a responder of the issuer", REVOKED, NULL, {.status = OCSP_REVOKED, BY(RIGHT)}},
    {"revoked, with a reason and SHA-256", REVOKED, NULL, {.status = OCSP_REVOKED, .with_reason = true, .sha256_id = true}},
    {"good and revoked", REVOKED, NULL, {.status = OCSP_GOOD, .two = true, .second = OCSP_REVOKED}},
    {"revoked and good", REVOKED, NULL, {.status = OCSP_REVOKED, .two = true, .second = OCSP_GOOD}},
    {"revoked, just over", REVOKED, NULL, {.status = OCSP_REVOKED, .next_update = CERTS_NOW - TLS_STAPLE_SKEW}},
    {"good, by the issuer", GOOD, NULL, {0}},
    {"good, by name and with a version", GOOD, NULL, {.by_name = true, .version = true}},
    {"good, by a responder", GOOD, NULL, {BY(RIGHT)}},
    {"good, by a responder without keyUsage", GOOD, NULL, {BY(NO_USAGE)}},
    {"good, its responder behind others", GOOD, NULL, {.signer = &responders[RIGHT], .sent = {&root, &responders[OF_OTHER], &responders[RIGHT]}}},
    {"good, of a clock that runs ahead a little", GOOD, NULL, {.this_update = CERTS_NOW + TLS_STAPLE_SKEW}},
    {"good, without a next one, of today", GOOD, NULL, {.no_next_update = true}},
    {"unknown", IGNORED, "does not know", {.status = OCSP_UNKNOWN}},
    {"good and unknown", IGNORED, "does not know", {.two = true, .second = OCSP_UNKNOWN}},
    {"a responder that has no answer", IGNORED, "could not answer", {.refusal = 3}},
    {"stale", IGNORED, "nextUpdate has passed", {.next_update = CERTS_NOW - TLS_STAPLE_SKEW - 1}},
    {"stale, and revoked", IGNORED, "nextUpdate has passed", {.status = OCSP_REVOKED, .next_update = CERTS_NOW - TLS_STAPLE_SKEW - 1}},
    {"old, without a next one", IGNORED, "older than a day", {.no_next_update = true, .this_update = CERTS_NOW - TLS_STAPLE_MAX_AGE - TLS_STAPLE_SKEW - 1}},
    {"of tomorrow", IGNORED, "not valid yet", {.this_update = CERTS_NOW + TLS_STAPLE_SKEW + 1}},
    {"about another serial", IGNORED, "another certificate", {.cert = &neighbour}},
    {"about a CA of the same name", IGNORED, "another certificate", {.issuer = &same_name, .signer = &root}},
    {"about another CA", IGNORED, "another certificate", {.issuer = &other_root, .signer = &root}},
    {"by another CA", IGNORED, "neither the issuer", {.signer = &other_root}},
    {"by a CA of the same name", IGNORED, "neither the issuer", {.signer = &same_name, .sent = {&same_name}}},
    {"by another certificate of the issuer", IGNORED, "neither the issuer", {.signer = &leaf, .sent = {&leaf}}},
    {"by a responder that is not there", IGNORED, "neither the issuer", {.signer = &responders[RIGHT]}},
    {"by a responder behind too many", IGNORED, "neither the issuer", {.signer = &responders[RIGHT], .sent = {&root, &root, &root, &root, &responders[RIGHT]}}},
    {"by a responder without the purpose", IGNORED, "neither the issuer", {BY(NO_PURPOSE)}},
    {"by a responder of any purpose", IGNORED, "neither the issuer", {BY(ANY_PURPOSE)}},
    {"by an expired responder", IGNORED, "neither the issuer", {BY(EXPIRED)}},
    {"by a responder of another CA", IGNORED, "neither the issuer", {BY(OF_OTHER)}},
    {"by a responder of a CA of the same name", IGNORED, "neither the issuer", {BY(OF_SAME_NAME)}},
    {"by a responder with a weak key", IGNORED, "neither the issuer", {BY(WEAK)}},
    {"by a responder signed with SHA-1", IGNORED, "neither the issuer", {BY(SHA1)}},
    {"by a responder with another use of its key", IGNORED, "neither the issuer", {BY(WRONG_USAGE)}},
    {"by a responder with a critical extension", IGNORED, "neither the issuer", {BY(CRITICAL)}},
    {"by a responder of its own", IGNORED, "neither the issuer", {BY(SELF_SIGNED)}},
    {"by a revoked responder", IGNORED, "neither the issuer", {BY(TAKEN_BACK)}},
    {"signed with SHA-1", IGNORED, "too weak", {.sha1_signature = true}},
    {"revoked, and signed with SHA-1", IGNORED, "too weak", {.status = OCSP_REVOKED, .sha1_signature = true}},
    {"with a critical extension", IGNORED, "not a readable", {.critical = true}},
    {"with a critical extension in its entry", IGNORED, "not a readable", {.critical_in_entry = true}},
    {"with too many entries", IGNORED, "too many", {.copies = 33}},
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct span staple_for(const struct row *row, const struct certs *cert)
{
    struct ocsp_order order = row->order;
    if (order.cert == NULL)
        order.cert = cert;
    if (order.issuer == NULL)
        order.issuer = &root;
    return ocsp_make(&order);
}

START_TEST(only_a_genuine_answer_of_this_time_counts)
{
    const struct row *row = &rows[_i];
    struct tls_verdict v;
    struct span staple = staple_for(row, &leaf);
    ck_assert_msg(judged(&leaf, staple, &v) == (row->does == REVOKED ? REASON_REVOKED : REASON_VALID), "%s: %s", row->why, v.text);
    ck_assert_msg(!v.requires_staple && (row->fault == NULL) == (v.staple_fault == NULL), "%s: %s", row->why, v.staple_fault);
    ck_assert_msg(row->fault == NULL || strstr(v.staple_fault, row->fault) != NULL, "%s: %s", row->why, v.staple_fault);
    if (row->does == REVOKED)
        ck_assert_msg(strstr(v.text, "revoked 2026-01-10T08:00:00Z") != NULL, "%s: %s", row->why, v.text);
    certs_free(staple);
}
END_TEST

START_TEST(a_certificate_that_requires_an_answer_is_refused_without_a_good_one)
{
    const struct row *row = &rows[_i];
    struct tls_verdict v;
    struct span staple = staple_for(row, &must);
    ck_assert_msg(judged(&must, staple, &v) == (enum reason)row->does, "%s: %s", row->why, v.text);
    ck_assert_msg(row->fault == NULL || strstr(v.text, row->fault) != NULL, "%s: %s", row->why, v.text);
    ck_assert(v.requires_staple);
    certs_free(staple);
}
END_TEST

START_TEST(without_an_answer_only_a_certificate_that_requires_one_is_refused)
{
    struct tls_verdict v;
    ck_assert_int_eq(judged(&must, span_of(NULL, 0), &v), REASON_STAPLE_MISSING);
    ck_assert_str_eq(v.text, "certificate CN=must: it requires a stapled OCSP answer (must-staple), and the server sent none");
    ck_assert_int_eq(v.openssl_error, 73);
    ck_assert_int_eq(judged(&leaf, span_of(NULL, 0), &v), REASON_VALID);
    ck_assert_ptr_null(v.staple_fault);
}
END_TEST

START_TEST(where_no_server_could_staple_nothing_is_required)
{
    const struct certs *chain[] = {&must};
    struct tls_verdict v;
    judging_run(&(struct judging){.ca = {&root}}, chain, 1, &v);
    ck_assert_int_eq(v.status, REASON_VALID);
    ck_assert(!v.requires_staple);
}
END_TEST

START_TEST(features_other_than_status_request_require_nothing)
{
    static const struct {
        const char *value;
        size_t len;
        enum reason status;
    } cases[] = {{"\x30\x00", 2, REASON_VALID}, {"\x30\x03\x02\x01\x11", 5, REASON_VALID}, {"\x30\x06\x02\x01\x11\x02\x01\x05", 8, REASON_STAPLE_MISSING},
                 {"\x05\x00", 2, REASON_STAPLE_MISSING}, {"\x30\x02\x05\x00", 4, REASON_STAPLE_MISSING}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct certs cert;
        struct tls_verdict v;
        certs_make(&(struct certs_order){.cn = "x", .issuer = &root, .extension = "1.3.6.1.5.5.7.1.24", .extension_value = span_of(cases[i].value, cases[i].len)},
                   &cert);
        ck_assert_msg(judged(&cert, span_of(NULL, 0), &v) == cases[i].status, "%zu: %s", i, v.text);
        certs_clear(&cert);
    }
}
END_TEST

/* Cut or changed anywhere, a good answer never counts, and what is malformed is found without a crash. */
START_TEST(a_critical_feature_counts_where_it_is_honoured) /* RFC 7633 */
{
    static const struct {
        const char *why;
        struct span value;
        enum tls_purpose purpose;
        bool hard, ca;
        enum reason status;
    } cases[] = {
        {"a server's status_request", {(const uint8_t *)"\x30\x03\x02\x01\x05", 5}, TLS_PURPOSE_SERVER, false, false, REASON_VALID},
        {"a feature that is not known", {(const uint8_t *)"\x30\x06\x02\x01\x05\x02\x01\x11", 8}, TLS_PURPOSE_SERVER, false, false, REASON_CONSTRAINT},
        {"a list that cannot be read", {(const uint8_t *)"\x30\x02\x02\x01", 4}, TLS_PURPOSE_SERVER, false, false, REASON_CONSTRAINT},
        {"a client's, and no answer is fetched", {(const uint8_t *)"\x30\x03\x02\x01\x05", 5}, TLS_PURPOSE_CLIENT, false, false, REASON_CONSTRAINT},
        {"a client's, and an answer is required", {(const uint8_t *)"\x30\x03\x02\x01\x05", 5}, TLS_PURPOSE_CLIENT, true, false, REASON_VALID},
        {"a CA's", {(const uint8_t *)"\x30\x03\x02\x01\x05", 5}, TLS_PURPOSE_SERVER, false, true, REASON_CONSTRAINT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct certs middle, cert;
        struct tls_verdict v;
        const struct certs_order feature = {.cn = "critical", .issuer = &root, .ca = cases[i].ca, .extension = "1.3.6.1.5.5.7.1.24", .extension_critical = true, .extension_value = cases[i].value};
        certs_make(&feature, &middle);
        certs_make(&(struct certs_order){.cn = "below", .issuer = &middle}, &cert);
        const struct certs *subject = cases[i].ca ? &cert : &middle;
        struct span answer = ocsp_make(&(struct ocsp_order){.cert = subject, .issuer = cases[i].ca ? &middle : &root, .status = OCSP_GOOD});
        struct tls_trust *trust = judging_trust(&(struct judging){.ca = {&root}});
        const struct tls_question q = {.trust = trust, .purpose = cases[i].purpose, .now = CERTS_NOW, .asked_to_staple = cases[i].purpose == TLS_PURPOSE_SERVER,
                                       .staple = answer, .ocsp = cases[i].hard ? TLS_OCSP_HARD : TLS_OCSP_OFF};
        const struct span chain[] = {subject->der, middle.der};
        tls_judge(&q, chain, cases[i].ca ? 2 : 1, &v);
        ck_assert_msg(v.status == cases[i].status, "%s: %s", cases[i].why, v.text);
        tls_trust_unref(trust);
        certs_free(answer);
        certs_clear(&cert);
        certs_clear(&middle);
    }
}
END_TEST

START_TEST(an_answer_that_was_cut_or_changed_does_not_count)
{
    struct tls_verdict v;
    struct span staple = ocsp_make(&(struct ocsp_order){.cert = &must, .issuer = &root, BY(RIGHT)});
    for (size_t n = 0; n < staple.len; n += 7) {
        struct span cut = span_of(staple.ptr, n), whole = certs_join(&cut, 1);
        ck_assert_int_eq(judged(&must, whole, &v), REASON_STAPLE_MISSING);
        certs_free(whole);
    }
    for (size_t at = _i ? 5 : 0; at < staple.len; at += 11) {
        ((uint8_t *)(uintptr_t)staple.ptr)[at] ^= 0x40;
        enum reason status = judged(&must, staple, &v);
        ck_assert_msg(status == REASON_STAPLE_MISSING || (status == REASON_VALID && v.staple_fault == NULL), "%zu: %s", at, v.text);
        ck_assert_int_ne(status, REASON_REVOKED);
        ((uint8_t *)(uintptr_t)staple.ptr)[at] ^= 0x40;
    }
    ck_assert_int_eq(judged(&must, staple, &v), REASON_VALID);
    certs_free(staple);
}
END_TEST

START_TEST(a_list_that_revokes_refuses_whatever_the_answer_says)
{
    struct certs cert;
    struct tls_verdict v;
    certs_make(&(struct certs_order){.cn = "x", .issuer = &root, .serial = 666}, &cert);
    struct span staple = ocsp_make(&(struct ocsp_order){.cert = &cert, .issuer = &root});
    ck_assert_int_eq(judged(&cert, staple, &v), REASON_REVOKED);
    ck_assert_ptr_nonnull(strstr(v.text, "by the list"));
    certs_free(staple);
    certs_clear(&cert);
}
END_TEST

/* So that a kept verdict does not outlive what it rests on. */
START_TEST(a_verdict_ends_with_the_answer_that_it_needs)
{
    struct tls_verdict v;
    const struct ocsp_order order = {.cert = &must, .issuer = &root, .next_update = CERTS_NOW + HOUR};
    struct span staple = ocsp_make(&order);
    ck_assert_int_eq(judged(&must, staple, &v), REASON_VALID);
    ck_assert_int_eq(v.until, CERTS_NOW + HOUR + TLS_STAPLE_SKEW);
    certs_free(staple);
    const struct ocsp_order ahead = {.cert = &leaf, .issuer = &root, .status = OCSP_REVOKED, .this_update = CERTS_NOW + HOUR};
    staple = ocsp_make(&ahead);
    ck_assert_int_eq(judged(&leaf, staple, &v), REASON_VALID);
    ck_assert_int_eq(v.until, CERTS_NOW + HOUR - TLS_STAPLE_SKEW - 1);
    certs_free(staple);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_checks_staple");
    TCase *t = tcase_create("staples");
    tcase_add_unchecked_fixture(t, make, clear);
    tcase_add_loop_test(t, only_a_genuine_answer_of_this_time_counts, 0, N_ROWS);
    tcase_add_loop_test(t, a_certificate_that_requires_an_answer_is_refused_without_a_good_one, 0, N_ROWS);
    tcase_add_test(t, without_an_answer_only_a_certificate_that_requires_one_is_refused);
    tcase_add_test(t, where_no_server_could_staple_nothing_is_required);
    tcase_add_test(t, features_other_than_status_request_require_nothing);
    tcase_add_test(t, a_critical_feature_counts_where_it_is_honoured);
    tcase_add_loop_test(t, an_answer_that_was_cut_or_changed_does_not_count, 0, 2);
    tcase_add_test(t, a_list_that_revokes_refuses_whatever_the_answer_says);
    tcase_add_test(t, a_verdict_ends_with_the_answer_that_it_needs);
    suite_add_tcase(s, t);
    return s;
}
