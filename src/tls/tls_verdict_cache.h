/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Caches the chains that a worker found valid, so that a returning peer is not parsed and verified again. Only valid
 * verdicts are kept. A verdict counts for the same bytes of every certificate and of a stapled answer, and the same context (trust, rules, names,
 * pins and purpose). The revocation lists must be the same too, and no date may have passed. Allow rules are not part of
 * a verdict: they are checked each time. One owner, one thread. Bounded: a chain replaces another in the same slot.
 */
#ifndef MTLSD_TLS_TLS_VERDICT_CACHE_H
#define MTLSD_TLS_TLS_VERDICT_CACHE_H

#include "mtlsd/tls/tls_judge.h"
#include "mtlsd/tls/tls_peer.h"

enum {
    TLS_VERDICT_CACHE_SLOTS = 256,
    TLS_VERDICT_CACHE_CHAIN_MAX = 8 * 1024, /* bytes; longer ones are judged each time */
};

struct tls_verdict_key { /* borrowed; made before the chain is judged, so that lists that come meanwhile are another generation */
    uint64_t context_id, generation;
    const struct span *ders;
    size_t n;
    int64_t now; /* seconds since 1970 */
    struct span staple; /* OCSP answer; empty: none */
};

struct tls_known {
    struct tls_verdict verdict;
    struct tls_peer *peer; /* with the path by which it was found valid, where the context tells it; owned */
    uint64_t context_id, generation;
    int64_t since; /* the time at which it was judged */
    size_t n;
    struct span chain; /* each certificate behind its length, then the staple */
    uint8_t bytes[];
};

struct tls_verdict_cache {
    struct tls_known *slots[TLS_VERDICT_CACHE_SLOTS];
};

/* NULL: not known, or not at this time. Valid until the next call that changes the cache. */
const struct tls_known *tls_verdict_cache_find(const struct tls_verdict_cache *cache, const struct tls_verdict_key *key);
/* Keeps a copy of both, if the verdict is valid without any fault. Without memory nothing is kept. */
void tls_verdict_cache_keep(struct tls_verdict_cache *cache, const struct tls_verdict_key *key, const struct tls_verdict *verdict,
                            const struct tls_peer *peer);
void tls_verdict_cache_clear(struct tls_verdict_cache *cache);

#endif
