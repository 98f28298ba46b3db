/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/balance.h"

enum { TURN_OF_WEIGHT_1 = 1 << 22 }; /* 256 shares of it are still exact to 0.01 %, and 2^64 last for millions of years */

/* The entries that are looked at in one choice: usable, and backups only when nothing else is. */
static bool is_candidate(const struct balance_entry *e, bool backups)
{
    return e->usable && e->backup == backups;
}

static unsigned weight_of(const struct balance_entry *e)
{
    return e->weight > 0 ? e->weight : 1;
}

/* a has less to do for its weight than b. */
static bool is_freer(const struct balance_entry *a, const struct balance_entry *b)
{
    return (uint64_t)a->active * weight_of(b) < (uint64_t)b->active * weight_of(a);
}

/* Every bit of the result depends on every bit of x (the finalizer of SplitMix64). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t balance_next_turn(uint64_t turn, unsigned weight)
{
    return turn + TURN_OF_WEIGHT_1 / weight;
}

uint64_t balance_turn(const struct balance_entry *e, size_t which, size_t n, uint64_t last)
{
    uint64_t turn = e->next_turn != 0 ? e->next_turn : balance_next_turn(0, weight_of(e)) * (2 * which + 1) / (2 * n);
    return turn > last ? turn : last;
}

/* The one whose turn comes first. With equal: only those that are as free as it. */
static size_t choose_in_turn(const struct balance_entry *entries, size_t n, bool backups, const struct balance_entry *equal)
{
    size_t best = BALANCE_NONE;
    for (size_t i = 0; i < n; i++) {
        const struct balance_entry *e = &entries[i];
        if (!is_candidate(e, backups) || (equal != NULL && is_freer(equal, e)))
            continue;
        if (best == BALANCE_NONE || e->turn < entries[best].turn)
            best = i;
    }
    return best;
}

static size_t choose_freest(const struct balance_entry *entries, size_t n, bool backups)
{
    const struct balance_entry *freest = NULL;
    for (size_t i = 0; i < n; i++)
        if (is_candidate(&entries[i], backups) && (freest == NULL || is_freer(&entries[i], freest)))
            freest = &entries[i];
    if (freest == NULL)
        return BALANCE_NONE;
    return choose_in_turn(entries, n, backups, freest);
}

/* One candidate other than "except", with a chance that is its weight. */
static size_t draw(const struct balance_entry *entries, size_t n, bool backups, size_t except, uint64_t number)
{
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++)
        if (i != except && is_candidate(&entries[i], backups))
            total += weight_of(&entries[i]);
    if (total == 0)
        return BALANCE_NONE;
    uint64_t left = number % total;
    for (size_t i = 0; i < n; i++) {
        if (i == except || !is_candidate(&entries[i], backups))
            continue;
        if (left < weight_of(&entries[i]))
            return i;
        left -= weight_of(&entries[i]);
    }
    return BALANCE_NONE;
}

static size_t choose_of_two(const struct balance_entry *entries, size_t n, bool backups, uint64_t number)
{
    size_t first = draw(entries, n, backups, BALANCE_NONE, mix(number));
    if (first == BALANCE_NONE)
        return BALANCE_NONE;
    size_t second = draw(entries, n, backups, first, mix(number + UINT64_C(0x9e3779b97f4a7c15)));
    return second != BALANCE_NONE && is_freer(&entries[second], &entries[first]) ? second : first;
}

/* -log2(x / 2^64) with 32 bits behind the point, for x > 0: integers give the same choice on every machine, and need no libm. */
static uint64_t negative_log2(uint64_t x)
{
    uint64_t whole = 0, part = 0;
    while ((x >> 63) == 0) {
        x <<= 1;
        whole++;
    }
    uint64_t m = x >> 32; /* 1.0 is 2^31 */
    for (int bit = 31; bit >= 0; bit--) {
        m = (m * m) >> 31;
        if ((m >> 32) != 0) {
            m >>= 1;
            part |= UINT64_C(1) << bit;
        }
    }
    return ((whole + 1) << 32) - part;
}

/* Weighted rendezvous: every entry draws a number from the key and itself alone, so the others' coming and going changes nothing for it.
 * The smallest -log(number) / weight wins, which gives each its weight's share. */
static size_t choose_by_key(const struct balance_entry *entries, size_t n, bool backups, uint64_t key)
{
    size_t best = BALANCE_NONE;
    uint64_t best_cost = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_candidate(&entries[i], backups))
            continue;
        uint64_t cost = negative_log2(mix(mix(key) ^ entries[i].hash) | 1);
        if (best == BALANCE_NONE || cost * weight_of(&entries[best]) < best_cost * weight_of(&entries[i])) {
            best = i;
            best_cost = cost;
        }
    }
    return best;
}

static bool any_candidate(const struct balance_entry *entries, size_t n, bool backups)
{
    for (size_t i = 0; i < n; i++)
        if (is_candidate(&entries[i], backups))
            return true;
    return false;
}

size_t balance_choose(enum config_balance how, const struct balance_entry *entries, size_t n, uint64_t key, uint64_t number)
{
    bool backups = !any_candidate(entries, n, false);
    switch (how) {
    case CONFIG_BALANCE_LEAST_CONN:
        return choose_freest(entries, n, backups);
    case CONFIG_BALANCE_RANDOM:
        return choose_of_two(entries, n, backups, number);
    case CONFIG_BALANCE_HASH:
        return choose_by_key(entries, n, backups, key);
    case CONFIG_BALANCE_ROUND_ROBIN:
        break;
    }
    return choose_in_turn(entries, n, backups, NULL);
}

/* FNV-1a, and then mixed, because its low bits alone know little of the last bytes. */
uint64_t balance_hash(const void *data, size_t n)
{
    const uint8_t *p = data;
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return mix(h);
}
