/* SPDX-License-Identifier: Apache-2.0 */
/* Every private key of the process, in sets: one set for each loaded configuration. A key is found by its number alone. Not for several threads. */
#ifndef MTLSD_KEYS_KEY_STORE_H
#define MTLSD_KEYS_KEY_STORE_H

#include "mtlsd/tls/tls_key_memory.h"
#include "mtlsd/tls/tls_signing_key.h"

enum { KEY_STORE_SETS = 16384, KEY_STORE_KEYS = 1 << 20 }; /* the most, so that no request can fill the memory */

struct key_set;

struct key_store {
    struct key_set *sets; /* owned, by their number */
    size_t n, cap;
    size_t n_keys; /* of all sets */
    uint8_t (*cas)[TLS_KEY_ID]; /* owned; the keys of CAs that were ever read, by their public half */
    size_t n_cas;
};

void key_store_clear(struct key_store *s);
/* The memory for keys of this set, which begins with that. NULL: out of memory, or too many sets. */
struct tls_key_memory *key_store_memory(struct key_store *s, uint32_t set);
/* Takes a reference of its own, into a set that has begun. -1: out of memory, too many keys, or no such set. */
MUST_CHECK int key_store_add(struct key_store *s, uint32_t set, struct tls_signing_key *key, uint64_t *id);
/* Borrowed; NULL: there is no such key. */
const struct tls_signing_key *key_store_find(const struct key_store *s, uint64_t id);
/* Wipes one key of a set, whose other keys stay. One that is not there is fine. */
void key_store_drop(struct key_store *s, uint64_t id);
/* Wipes the keys of a set. One that never began is fine. */
void key_store_release(struct key_store *s, uint32_t set);
/* From then on this key is that of a CA, in whatever file it is, and signs certificates alone. -1: out of memory, or too many. */
MUST_CHECK int key_store_note_ca(struct key_store *s, const uint8_t id[TLS_KEY_ID]);
bool key_store_is_ca(const struct key_store *s, const uint8_t id[TLS_KEY_ID]);

#endif
