/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_verdict_cache.h"

#include <stdlib.h>
#include <string.h>

/* The end of a leaf is its issuer's signature: practically random, and not chosen by the peer. */
static size_t slot_of(const struct tls_verdict_key *key)
{
    uint64_t tail = 0;
    struct span leaf = key->ders[0];
    if (leaf.len >= sizeof(tail))
        memcpy(&tail, leaf.ptr + leaf.len - sizeof(tail), sizeof(tail));
    uint64_t mixed = (tail ^ key->context_id) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> 32) % TLS_VERDICT_CACHE_SLOTS;
}

/* 0: too long to be kept. */
static size_t chain_bytes(const struct tls_verdict_key *key)
{
    size_t total = key->staple.len;
    for (size_t i = 0; i < key->n; i++) {
        if (key->ders[i].len > TLS_VERDICT_CACHE_CHAIN_MAX)
            return 0;
        total += sizeof(key->ders[i].len) + key->ders[i].len;
        if (total > TLS_VERDICT_CACHE_CHAIN_MAX)
            return 0;
    }
    return total <= TLS_VERDICT_CACHE_CHAIN_MAX ? total : 0;
}

static bool is_same_chain(const struct tls_known *known, const struct tls_verdict_key *key)
{
    struct span rest = known->chain;
    if (known->n != key->n)
        return false;
    for (size_t i = 0; i < key->n; i++) {
        size_t len;
        if (rest.len < sizeof(len))
            return false;
        memcpy(&len, rest.ptr, sizeof(len));
        rest = span_skip(rest, sizeof(len));
        if (len != key->ders[i].len || rest.len < len || memcmp(rest.ptr, key->ders[i].ptr, len) != 0)
            return false;
        rest = span_skip(rest, len);
    }
    return span_equals(rest, key->staple);
}

/* A clock that was set back may stand before a certificate or a list begins. */
static bool is_of_this_time(const struct tls_known *known, int64_t now)
{
    return now >= known->since && now <= known->verdict.until;
}

const struct tls_known *tls_verdict_cache_find(const struct tls_verdict_cache *cache, const struct tls_verdict_key *key)
{
    const struct tls_known *known = key->n > 0 ? cache->slots[slot_of(key)] : NULL;
    bool same = known != NULL && known->context_id == key->context_id && known->generation == key->generation &&
                is_of_this_time(known, key->now) && is_same_chain(known, key);
    return same ? known : NULL;
}

static void drop(struct tls_verdict_cache *cache, size_t i)
{
    if (cache->slots[i] != NULL)
        tls_peer_free(cache->slots[i]->peer);
    free(cache->slots[i]);
    cache->slots[i] = NULL;
}

static void copy_chain(struct tls_known *known, const struct tls_verdict_key *key, size_t size)
{
    uint8_t *at = known->bytes;
    for (size_t i = 0; i < key->n; i++) {
        memcpy(at, &key->ders[i].len, sizeof(key->ders[i].len));
        at += sizeof(key->ders[i].len);
        memcpy(at, key->ders[i].ptr, key->ders[i].len);
        at += key->ders[i].len;
    }
    if (key->staple.len > 0)
        memcpy(at, key->staple.ptr, key->staple.len);
    known->n = key->n;
    known->chain = span_of(known->bytes, size);
}

void tls_verdict_cache_keep(struct tls_verdict_cache *cache, const struct tls_verdict_key *key, const struct tls_verdict *verdict,
                            const struct tls_peer *peer)
{
    bool faultless = verdict->status == REASON_VALID && verdict->all == 0 && verdict->until != 0;
    size_t size = faultless && peer != NULL ? chain_bytes(key) : 0;
    if (size == 0)
        return;
    struct tls_known *known = malloc(sizeof(*known) + size);
    if (known == NULL)
        return;
    *known = (struct tls_known){
        .verdict = *verdict,
        .peer = tls_peer_copy(peer),
        .context_id = key->context_id,
        .generation = key->generation,
        .since = key->now,
    };
    if (known->peer == NULL) {
        free(known);
        return;
    }
    copy_chain(known, key, size);
    size_t i = slot_of(key);
    drop(cache, i);
    cache->slots[i] = known;
}

void tls_verdict_cache_clear(struct tls_verdict_cache *cache)
{
    for (size_t i = 0; i < TLS_VERDICT_CACHE_SLOTS; i++)
        drop(cache, i);
}
