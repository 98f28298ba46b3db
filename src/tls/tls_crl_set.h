/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lists of a trust, replaceable during lookups. A reader holds the set that was there when it began; the last reader
 * of an old index frees it. Taking it costs an exchange on a flag that is held for three instructions, with any number
 * of threads.
 */
#ifndef MTLSD_TLS_CRL_SET_H
#define MTLSD_TLS_CRL_SET_H

#include "tls_crl.h"

#include <stdatomic.h>

struct tls_crl_held {
    atomic_uint refs;
    struct tls_crl_index *index; /* owned */
};

struct tls_crl_set {
    atomic_flag busy;
    struct tls_crl_held *now;
    atomic_uint_fast64_t generation; /* grows with every replacement */
};

/* Takes index. -1: out of memory, and index is still the caller's. */
MUST_CHECK int tls_crl_set_init(struct tls_crl_set *set, struct tls_crl_index *index);
void tls_crl_set_clear(struct tls_crl_set *set);

struct tls_crl_held *tls_crl_set_take(struct tls_crl_set *set);
void tls_crl_set_give(struct tls_crl_held *held);
/* Takes index. -1: as above; what was there stays. */
MUST_CHECK int tls_crl_set_replace(struct tls_crl_set *set, struct tls_crl_index *index);
/* Peers have to be verified again, although the lists are the same. */
void tls_crl_set_touch(struct tls_crl_set *set);
uint64_t tls_crl_set_generation(const struct tls_crl_set *set);

#endif
