/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_signature_cache.h"

#include <gnutls/crypto.h>
#include <stdlib.h>

bool tls_signature_cache_key(struct span child_der, struct span issuer_der, struct tls_signature_cache_key *key)
{
    /* The length goes in too: the border between the two certificates is part of the fact. */
    uint64_t child_bytes = child_der.len;
    gnutls_hash_hd_t hash;
    if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) != 0)
        return false;
    bool ok = gnutls_hash(hash, &child_bytes, sizeof(child_bytes)) == 0 && gnutls_hash(hash, child_der.ptr, child_der.len) == 0 &&
              gnutls_hash(hash, issuer_der.ptr, issuer_der.len) == 0;
    gnutls_hash_deinit(hash, key->word);
    return ok;
}

static struct tls_signature_cache_slot *slot_of(struct tls_signature_cache *m, const struct tls_signature_cache_key *key)
{
    struct tls_signature_cache_slot *slots = atomic_load_explicit(&m->slots, memory_order_acquire);
    return slots != NULL ? &slots[key->word[0] % TLS_SIGNATURE_CACHE_SLOTS] : NULL;
}

bool tls_signature_cache_knows(struct tls_signature_cache *m, const struct tls_signature_cache_key *key)
{
    struct tls_signature_cache_slot *slot = slot_of(m, key);
    if (slot == NULL)
        return false;
    unsigned before = atomic_load(&slot->turn);
    bool same = true;
    for (int i = 0; i < 4; i++)
        same = same && atomic_load(&slot->word[i]) == key->word[i];
    return same && before != 0 && before % 2 == 0 && atomic_load(&slot->turn) == before;
}

static bool make_slots(struct tls_signature_cache *m)
{
    struct tls_signature_cache_slot *fresh = calloc(TLS_SIGNATURE_CACHE_SLOTS, sizeof(*fresh)), *none = NULL;
    if (fresh != NULL && !atomic_compare_exchange_strong(&m->slots, &none, fresh))
        free(fresh); /* another thread was first */
    return atomic_load(&m->slots) != NULL;
}

void tls_signature_cache_learn(struct tls_signature_cache *m, const struct tls_signature_cache_key *key)
{
    if (atomic_load(&m->slots) == NULL && !make_slots(m))
        return;
    struct tls_signature_cache_slot *slot = slot_of(m, key);
    unsigned turn = atomic_load(&slot->turn);
    if (turn % 2 != 0 || !atomic_compare_exchange_strong(&slot->turn, &turn, turn + 1))
        return; /* another thread writes there: skip */
    for (int i = 0; i < 4; i++)
        atomic_store(&slot->word[i], key->word[i]);
    atomic_store(&slot->turn, turn + 2 != 0 ? turn + 2 : 2);
}

void tls_signature_cache_clear(struct tls_signature_cache *m)
{
    free(atomic_load(&m->slots));
    atomic_store(&m->slots, NULL);
}
