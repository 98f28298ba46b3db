/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Caches which key signed which certificate, so that a returning peer costs no signature check. Only this mathematical
 * fact is kept, which never changes; dates, names, purpose and revocation are checked each time. A full or lost cache
 * only costs time. Threads share it without a lock: a reader that meets a writer finds nothing, and checks again.
 */
#ifndef MTLSD_TLS_SIGNATURE_CACHE_H
#define MTLSD_TLS_SIGNATURE_CACHE_H

#include "mtlsd/base/span.h"

#include <stdatomic.h>

enum { TLS_SIGNATURE_CACHE_SLOTS = 1024 };

struct tls_signature_cache_slot {
    atomic_uint turn;          /* odd while a thread writes */
    atomic_uint_fast64_t word[4]; /* SHA-256 of both certificates */
};

struct tls_signature_cache {
    _Atomic(struct tls_signature_cache_slot *) slots; /* owned; NULL until the first fact */
};

struct tls_signature_cache_key {
    uint64_t word[4];
};

/* false: no key could be made, so nothing is known and nothing should be learnt. */
bool tls_signature_cache_key(struct span child_der, struct span issuer_der, struct tls_signature_cache_key *key);
bool tls_signature_cache_knows(struct tls_signature_cache *m, const struct tls_signature_cache_key *key);
void tls_signature_cache_learn(struct tls_signature_cache *m, const struct tls_signature_cache_key *key);
void tls_signature_cache_clear(struct tls_signature_cache *m);

#endif
