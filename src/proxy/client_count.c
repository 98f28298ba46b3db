/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/client_count.h"
#include "mtlsd/proxy/proxy_env.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct entry {
    uint64_t key;
    unsigned connections; /* never 0 */
    UT_hash_handle hh;
};

struct client_count {
    atomic_flag busy; /* held for one look or change */
    struct entry *entries;
    uint64_t secret[2];
};

struct client_count *client_count_new(uint64_t secret, uint64_t more_secret)
{
    struct client_count *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    atomic_flag_clear(&c->busy);
    c->secret[0] = secret;
    c->secret[1] = more_secret;
    return c;
}

static void drop(struct client_count *c, struct entry *e)
{
    HASH_DEL(c->entries, e);
    free(e);
}

void client_count_free(struct client_count *c)
{
    while (c != NULL && c->entries != NULL)
        drop(c, c->entries);
    free(c);
}

/* ---- addresses ---- */

/* A link-local address, fe80::/10: all clients of a network have the same prefix, so the second half is the key. It begins as 4000::/3, which is not
 * assigned. The three bits that are lost do no harm: a neighbour could take the whole address of another. */
static uint64_t key_on_link(const uint8_t half[8])
{
    uint64_t key = half[0] & 0x1f;
    for (size_t i = 1; i < 8; i++)
        key = key << 8 | half[i];
    return key | UINT64_C(1) << 62;
}

uint64_t client_count_key(const struct client_address *client)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, nat64[12] = {0x00, 0x64, 0xff, 0x9b}; /* IPv4 clients, as an IPv6 network writes them */
    if (!client->known)
        return 0;
    bool inside = client->v6 && (memcmp(client->peer, mapped, sizeof(mapped)) == 0 || memcmp(client->peer, nat64, sizeof(nat64)) == 0);
    size_t n = client->v6 && !inside ? 8 : 4;
    uint64_t key = 0;
    for (size_t i = 0; i < n; i++)
        key = key << 8 | client->peer[(inside ? sizeof(mapped) : 0) + i];
    if (client->v6 && client->peer[0] == 0xfe && (client->peer[1] & 0xc0) == 0x80)
        return key_on_link(client->peer + 8);
    if (n == 4)
        return key | UINT64_C(0xffffffff) << 32; /* no client has such an IPv6 prefix: it is multicast */
    return key != 0 ? key : 1; /* ::1 */
}

/* ---- the hash: SipHash-2-4 of one word (Aumasson and Bernstein, 2012) ---- */

static uint64_t turned(uint64_t v, unsigned bits)
{
    return v << bits | v >> (64 - bits);
}

static void rounds(uint64_t v[4], unsigned n)
{
    for (; n > 0; n--) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = turned(v[1], 13) ^ v[0];
        v[3] = turned(v[3], 16) ^ v[2];
        v[0] = turned(v[0], 32) + v[3];
        v[2] += v[1];
        v[3] = turned(v[3], 21) ^ v[0];
        v[1] = turned(v[1], 17) ^ v[2];
        v[2] = turned(v[2], 32);
    }
}

static unsigned hash_of(const struct client_count *c, uint64_t key)
{
    const uint64_t words[] = {key, UINT64_C(8) << 56}; /* the second has the length */
    uint64_t v[4] = {c->secret[0] ^ UINT64_C(0x736f6d6570736575), c->secret[1] ^ UINT64_C(0x646f72616e646f6d),
                     c->secret[0] ^ UINT64_C(0x6c7967656e657261), c->secret[1] ^ UINT64_C(0x7465646279746573)};
    for (int i = 0; i < 2; i++) {
        v[3] ^= words[i];
        rounds(v, 2);
        v[0] ^= words[i];
    }
    v[2] ^= 0xff;
    rounds(v, 4);
    return (unsigned)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

/* ---- counting ---- */

static void lock(struct client_count *c)
{
    while (atomic_flag_test_and_set_explicit(&c->busy, memory_order_acquire))
        sched_yield();
}

static void unlock(struct client_count *c)
{
    atomic_flag_clear_explicit(&c->busy, memory_order_release);
}

static struct entry *find(const struct client_count *c, uint64_t key, unsigned hash)
{
    struct entry *e = NULL;
    HASH_FIND_BYHASHVALUE(hh, c->entries, &key, sizeof(key), hash, e);
    return e;
}

static bool add(struct client_count *c, uint64_t key, unsigned hash)
{
    struct entry *e = calloc(1, sizeof(*e));
    if (e == NULL)
        return false;
    e->key = key;
    e->connections = 1;
    HASH_ADD_BYHASHVALUE(hh, c->entries, key, sizeof(e->key), hash, e);
    if (e->hh.tbl != NULL)
        return true;
    free(e);
    return false;
}

bool client_count_has_room(struct client_count *c, uint64_t key, unsigned most)
{
    unsigned hash = hash_of(c, key);
    lock(c);
    const struct entry *e = find(c, key, hash);
    bool room = e == NULL || e->connections < most;
    unlock(c);
    return room;
}

bool client_count_take(struct client_count *c, uint64_t key, unsigned most)
{
    unsigned hash = hash_of(c, key);
    lock(c);
    struct entry *e = find(c, key, hash);
    bool taken = e == NULL ? most > 0 && add(c, key, hash) : e->connections < most;
    if (taken && e != NULL)
        e->connections++;
    unlock(c);
    return taken;
}

void client_count_leave(struct client_count *c, uint64_t key)
{
    unsigned hash = hash_of(c, key);
    lock(c);
    struct entry *e = find(c, key, hash);
    if (e != NULL && --e->connections == 0)
        drop(c, e);
    unlock(c);
}

size_t client_count_addresses(struct client_count *c)
{
    lock(c);
    size_t n = HASH_COUNT(c->entries);
    unlock(c);
    return n;
}
