/* SPDX-License-Identifier: Apache-2.0 */
#include "judging.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif
#include <check.h>
#include <stdlib.h>

enum { MAX_CHAIN = 4096 };

struct tls_trust *judging_trust(const struct judging *j)
{
    struct tls_file ca[4], crl[4];
    struct tls_bundle bundles[4];
    size_t n_ca = 0, n_crl = 0, n_bundles = 0;
    for (; n_bundles < 4 && j->domains[n_bundles] != NULL; n_bundles++)
        bundles[n_bundles] = (struct tls_bundle){j->domains[n_bundles], {"bundle.pem", j->ca[n_bundles] != NULL ? j->ca[n_bundles]->pem : span_of(NULL, 0)}};
    for (; n_ca < 4 && j->ca[n_ca] != NULL; n_ca++)
        ca[n_ca] = (struct tls_file){"ca.pem", j->ca[n_ca]->pem};
    for (; n_crl < 4 && j->crl[n_crl] != NULL; n_crl++)
        crl[n_crl] = (struct tls_file){"ca.crl", j->crl[n_crl]->pem};
    size_t n_pins = 0;
    while (n_pins < 4 && j->pins[n_pins] != NULL)
        n_pins++;
    struct tls_trust_spec spec = {
        .name = "test",
        .ca = ca,
        .n_ca = n_ca,
        .crl = crl,
        .n_crl = n_crl,
        .crl_required = j->crl_required,
        .crl_grace = j->crl_grace,
        .depth = j->depth > 0 ? j->depth : 8,
        .min_rsa_bits = j->min_rsa_bits > 0 ? j->min_rsa_bits : 2048,
        .purpose_may_be_absent = j->purpose_may_be_absent,
        .pins = j->pins,
        .n_pins = n_pins,
        .spiffe_domain = j->spiffe_domain,
        .bundles = bundles,
        .n_bundles = n_bundles,
        .registry = j->registry,
        .registry_deny_listed = j->registry_deny_listed,
        .registry_staleness = j->registry_staleness,
    };
    struct findings notes;
    struct err err = {0};
    findings_init(&notes);
    struct tls_trust *trust = tls_trust_new(&spec, j->now != 0 ? j->now : CERTS_NOW, &notes, &err);
    ck_assert_msg(trust != NULL, "%s", err.text);
    findings_clear(&notes);
    return trust;
}

/* Whoever asks for each fault gets the verdict that a connection gets, and the same faults. */
static void same_in_detail(const struct tls_question *q, const struct span *ders, size_t n, const struct tls_verdict *verdict)
{
    struct tls_verdict again;
    struct tls_details details;
    uint64_t named = 0;
    tls_judge_in_detail(q, ders, n, &again, &details);
    ck_assert_int_eq(again.status, verdict->status);
    ck_assert_int_eq(again.openssl_error, verdict->openssl_error);
    ck_assert_uint_eq(again.all, verdict->all);
    ck_assert_str_eq(again.text, verdict->text);
    ck_assert_ptr_null(again.details);
    for (size_t i = 0; i < details.n; i++)
        named |= UINT64_C(1) << details.items[i].reason;
    ck_assert(details.n == TLS_DETAILS_MAX || named == again.all);
    ck_assert_int_eq(details.n > 0, verdict->status != REASON_VALID);
    if (details.n > 0)
        ck_assert_str_eq(details.items[0].text, verdict->text);
}

static void run(const struct judging *j, struct tls_trust *trust, const struct certs *const *chain, size_t n, struct tls_verdict *out,
                struct tls_path *path)
{
    static struct span ders[MAX_CHAIN];
    size_t n_names = 0;
    while (n_names < 4 && j->names[n_names] != NULL)
        n_names++;
    ck_assert_uint_le(n, MAX_CHAIN);
    for (size_t i = 0; i < n; i++)
        ders[i] = chain[i]->der;
    struct tls_question q = {
        .trust = trust,
        .purpose = j->purpose,
        .names = j->names,
        .n_names = n_names,
        .now = j->now != 0 ? j->now : CERTS_NOW,
        .asked_to_staple = j->asked_to_staple,
        .staple = j->staple,
    };
    tls_judge_path(&q, ders, n, out, path);
    same_in_detail(&q, ders, n, out);
}

void judging_run(const struct judging *j, const struct certs *const *chain, size_t n, struct tls_verdict *out)
{
    struct tls_trust *trust = judging_trust(j);
    struct tls_path path;
    run(j, trust, chain, n, out, &path);
    tls_trust_unref(trust);
}

/* The place of a certificate in the chain, or behind it in the trust. */
static size_t place_of(const struct judging *j, const struct certs *const *chain, size_t n, struct span der)
{
    for (size_t i = 0; i < n; i++)
        if (span_equals(chain[i]->der, der))
            return i;
    for (size_t i = 0; i < 4 && j->ca[i] != NULL; i++)
        if (span_equals(j->ca[i]->der, der))
            return n + i;
    ck_abort_msg("a certificate of nobody");
}

size_t judging_way(const struct judging *j, const struct certs *const *chain, size_t n, size_t path[TLS_WAY_MAX])
{
    struct tls_trust *trust = judging_trust(j);
    struct tls_verdict verdict;
    struct tls_path found;
    run(j, trust, chain, n, &verdict, &found);
    for (size_t i = 0; i < found.n; i++)
        path[i] = place_of(j, chain, n, found.ders[i]);
    tls_trust_unref(trust);
    return found.n;
}

void judging_let_library_leak(bool may)
{
#ifdef __SANITIZE_ADDRESS__
    if (may)
        __lsan_disable();
    else
        __lsan_enable();
#else
    (void)may;
#endif
}

const char *judging_word(enum reason reason)
{
    static const char *const words[] = {"undecided",     "valid",       "none",        "expired",
                                        "not_yet_valid", "revoked",     "unknown_ca",  "wrong_purpose",
                                        "name_mismatch", "weak",        "crl_missing", "crl_stale",
                                        "constraint",    "not_allowed", "malformed"};
    return (size_t)reason < sizeof(words) / sizeof(words[0]) ? words[reason] : "another";
}
