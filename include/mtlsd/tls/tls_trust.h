/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trust: the CA certificates, revocation lists and rules that a peer is verified with. It is counted and immutable. Only its revocation lists can
 * be replaced, while other threads verify with it. It reads no files. A CA set that is empty, broken or holds something that is not a CA is refused: there is no fallback.
 */
#ifndef MTLSD_TLS_TLS_TRUST_H
#define MTLSD_TLS_TLS_TRUST_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/findings.h"
#include "mtlsd/base/span.h"
#include "mtlsd/tls/tls_ocsp_store.h"
#include <stdbool.h>

struct tls_trust;
struct tls_registry;

struct tls_file { /* borrowed */
    const char *name; /* for messages */
    struct span text; /* PEM; a CRL may also be DER */
};

/* CA certificates of one SPIFFE trust domain. They verify certificates whose SPIFFE ID is of that domain, and no others: bundles are never
 * merged. */
struct tls_bundle { /* borrowed */
    const char *domain;
    struct tls_file ca; /* an empty text: the bundle is missing or was withdrawn, and each certificate of the domain is refused */
};

struct tls_trust_spec {
    const char *name;
    const struct tls_file *ca; /* every file must hold at least one CA certificate and nothing broken */
    size_t n_ca;
    bool system;               /* use the system's store instead of ca */
    const struct tls_file *crl;
    size_t n_crl;
    bool crl_required;         /* an issuer in the chain without a usable CRL is crl_missing / crl_stale; only when n_crl > 0 or crl_fetched */
    bool crl_fetched;          /* lists come later, by tls_trust_replace_lists */
    int64_t crl_grace;         /* seconds past nextUpdate that a CRL is still used */
    unsigned depth;            /* most certificates in a chain, leaf and trusted CA included; 0: 8 */
    unsigned min_rsa_bits;     /* 0: 2048 */
    bool purpose_may_be_absent; /* accept a leaf without extendedKeyUsage (RFC 5280 4.2.1.12); a present extension is checked */
    const char *const *pins;   /* SHA-256 of public keys (base/pin.h): a certificate of the verified path, leaf, intermediate or CA, must have one */
    size_t n_pins;             /* 0: any key */
    struct tls_registry *registry; /* counted on success; NULL: none */
    bool registry_deny_listed;     /* a leaf without a row is accepted */
    int64_t registry_staleness;    /* seconds that the last rows count when the database cannot be read */
    const char *spiffe_domain; /* all of ca belongs to this trust domain, of which the leaf's one URI must be; NULL: not asked */
    const struct tls_bundle *bundles; /* instead of ca, system and spiffe_domain; each domain once */
    size_t n_bundles;
    struct tls_ocsp_rules ocsp; /* of callers; copied, with a reference of the store */
};

struct tls_trust *tls_trust_new(const struct tls_trust_spec *spec, int64_t now, struct findings *notes, struct err *err);
struct tls_trust *tls_trust_ref(struct tls_trust *trust);
void tls_trust_unref(struct tls_trust *trust);

struct tls_trust_lists {
    const struct tls_file *files;
    size_t n, n_fetched; /* the last n_fetched of the n came over the network */
};
/* Puts these lists, all of a trust's, in the place of those in use: 1 when something changed, 0 when they are the same. -1 + err: one is not whole, not
 * genuine, older than what is in use, or missing; then everything stays as it was (security A3, F1). A fetched list is refused unless a CA of the trust
 * signed it: a stranger's list, once in, could not be left out again. From any thread, one at a time. */
MUST_CHECK int tls_trust_replace_lists(struct tls_trust *trust, const struct tls_trust_lists *lists, int64_t now, struct findings *notes, struct err *err);
/* When the list that came from the file of this name ends; of several the first. 0: none did. */
int64_t tls_trust_crl_ends(const struct tls_trust *trust, const char *file);

struct tls_trust_facts {
    const char *name;
    size_t n_ca, n_crl, n_revoked;
    int64_t first_not_after;   /* the CA that ends soonest; 0: none known */
    int64_t first_next_update; /* the CRL that ends soonest; 0: none */
    uint64_t generation;       /* of the lists and of rows taken back: another number means that peers have to be judged again */
};
void tls_trust_facts(const struct tls_trust *trust, struct tls_trust_facts *out);

/* From now on each certificate of this SPIFFE trust domain is refused, for good. True: it was not before, and peers have to be judged again. False also: the
 * trust does not have the domain. From any thread. */
bool tls_trust_withdraw(struct tls_trust *trust, const char *domain);
/* The i-th SPIFFE trust domain, with the number of its CAs; NULL past the end. */
const char *tls_trust_domain(const struct tls_trust *trust, size_t i, size_t *n_ca);

struct tls_trust_ca {
    char name[160]; /* for people */
    const char *domain; /* its SPIFFE trust domain, as the trust has it; NULL: none */
    int64_t not_before, not_after;
    bool covered; /* there is a list of it; without, the rest is 0 */
    int64_t this_update, next_update;
    size_t n_revoked;
};
/* The i-th CA; false past the end. */
bool tls_trust_ca(const struct tls_trust *trust, size_t i, struct tls_trust_ca *out);
/* Its whole name, as tls_peer has that of an issuer; length as snprintf gives it. false past the end. */
bool tls_trust_ca_subject(const struct tls_trust *trust, size_t i, char *out, size_t out_size, size_t *length);

#endif
