/* SPDX-License-Identifier: Apache-2.0 */
/* Short paths to put a certificate before the judge in a test. */
#ifndef MTLSD_TEST_JUDGING_H
#define MTLSD_TEST_JUDGING_H

#include "certs.h"
#include "mtlsd/tls/tls_judge.h"

struct judging {
    const struct certs *ca[4]; /* the trust; NULL ends */
    const struct certs_crl *crl[4];
    bool crl_required;
    int64_t crl_grace;
    unsigned depth, min_rsa_bits;
    bool purpose_may_be_absent;
    enum tls_purpose purpose;
    const char *names[4];
    const char *pins[4];
    const char *spiffe_domain;
    const char *domains[4]; /* given: each of ca is the bundle of one of them; a domain without a CA has none */
    struct tls_registry *registry;
    bool registry_deny_listed;
    int64_t registry_staleness;
    bool asked_to_staple;
    struct span staple; /* with it */
    int64_t now; /* 0: CERTS_NOW */
};

/* Makes the trust, judges chain[0..n), frees the trust. */
void judging_run(const struct judging *j, const struct certs *const *chain, size_t n,
                 struct tls_verdict *out);
/* Judges likewise and gives how long the path is; path: the place of each in the chain, or n and its place in the trust. */
size_t judging_way(const struct judging *j, const struct certs *const *chain, size_t n, size_t path[TLS_WAY_MAX]);
struct tls_trust *judging_trust(const struct judging *j);

/* gnutls_x509_crt_verify of 3.7.9 loses 24 bytes over name constraints of kinds that it does not know; true: until false nothing counts as lost. */
void judging_let_library_leak(bool may);

/* The word for a status, for messages of tests. */
const char *judging_word(enum reason reason);

#endif
