/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/route_index.h"

#include "mtlsd/base/hostname.h"

#include <stdlib.h>
#include <string.h>

enum { FEW = 16, RUNS = 16 };

struct entry {
    uint64_t hash;
    size_t route;
};

struct route_index {
    struct entry *entries; /* one per pattern, by hash and then in the order of the routes */
    size_t n;
    size_t *open;          /* routes without a host, in their order */
    size_t n_open;
    size_t longest;        /* of what is hashed of a pattern */
};

/* Routes in their order, not yet looked at. */
struct run {
    const struct entry *entries; /* or */
    const size_t *open;
    size_t n;
};

/* ---- hashing: from the end, so that one pass over a host passes by all of its suffixes ---- */

static uint64_t add_byte(uint64_t hash, uint8_t c)
{
    uint8_t low = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    return (hash ^ low) * UINT64_C(0x100000001b3);
}

static const uint64_t nothing = UINT64_C(0xcbf29ce484222325);

/* What a host has to be, or to end with. */
static struct span hashed_part(const char *text)
{
    struct span pattern = span_from_str(text);
    bool is_suffix = pattern.len >= 3 && memcmp(pattern.ptr, "*.", 2) == 0;
    return hostname_without_last_dot(is_suffix ? span_skip(pattern, 1) : pattern);
}

static uint64_t hash_of(struct span s)
{
    uint64_t hash = nothing;
    for (size_t i = s.len; i > 0; i--)
        hash = add_byte(hash, s.ptr[i - 1]);
    return hash;
}

/* ---- building ---- */

static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->route < y->route ? -1 : x->route > y->route;
}

static void add_patterns(struct route_index *ix, const struct config_strings *host, size_t route)
{
    for (size_t i = 0; i < host->n; i++) {
        struct span part = hashed_part(host->items[i]);
        ix->entries[ix->n++] = (struct entry){hash_of(part), route};
        ix->longest = part.len > ix->longest ? part.len : ix->longest;
    }
    if (host->n == 0)
        ix->open[ix->n_open++] = route;
}

struct route_index *route_index_new(const struct config_route *routes, size_t n)
{
    size_t n_patterns = 0;
    for (size_t i = 0; i < n; i++)
        n_patterns += routes[i].host.n;
    if (n_patterns < FEW)
        return NULL;
    struct route_index *ix = calloc(1, sizeof(*ix));
    if (ix == NULL)
        return NULL;
    ix->entries = calloc(n_patterns, sizeof(*ix->entries));
    ix->open = calloc(n, sizeof(*ix->open));
    if (ix->entries == NULL || ix->open == NULL) {
        route_index_free(ix);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        add_patterns(ix, &routes[i].host, i);
    qsort(ix->entries, ix->n, sizeof(*ix->entries), compare);
    return ix;
}

void route_index_free(struct route_index *ix)
{
    if (ix == NULL)
        return;
    free(ix->entries);
    free(ix->open);
    free(ix);
}

/* ---- looking up ---- */

static size_t lower_bound(const struct route_index *ix, uint64_t hash)
{
    size_t low = 0, high = ix->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ix->entries[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct run run_of(const struct route_index *ix, uint64_t hash)
{
    size_t first = lower_bound(ix, hash), end = first;
    while (end < ix->n && ix->entries[end].hash == hash)
        end++;
    return (struct run){.entries = &ix->entries[first], .n = end - first};
}

/* How many runs; more than RUNS: there is no room for all of them. */
static size_t find_runs(const struct route_index *ix, struct span host, struct run runs[RUNS])
{
    uint64_t hash = nothing;
    size_t n = 0;
    host = hostname_without_last_dot(host);
    for (size_t i = host.len; i > 0 && host.len - i < ix->longest; i--) {
        hash = add_byte(hash, host.ptr[i - 1]);
        if (i > 1 && host.ptr[i - 1] != '.')
            continue;
        struct run run = run_of(ix, hash);
        if (run.n > 0 && n < RUNS)
            runs[n] = run;
        n += run.n > 0;
    }
    return n;
}

static size_t front(const struct run *run)
{
    return run->entries != NULL ? run->entries[0].route : run->open[0];
}

static void step(struct run *run)
{
    if (run->entries != NULL)
        run->entries++;
    else
        run->open++;
    run->n--;
}

/* The next route in the order of the list, taken from all runs that have it; SIZE_MAX: there is none. */
static size_t take_next(struct run *runs, size_t n)
{
    size_t next = SIZE_MAX;
    for (size_t i = 0; i < n; i++)
        if (runs[i].n > 0 && front(&runs[i]) < next)
            next = front(&runs[i]);
    for (size_t i = 0; i < n; i++)
        while (runs[i].n > 0 && front(&runs[i]) == next)
            step(&runs[i]);
    return next;
}

enum reason route_index_choose(const struct route_index *ix, const struct config_route *routes, size_t n, const struct route_question *q,
                               struct route_choice *out)
{
    struct run runs[RUNS + 1];
    size_t n_runs = ix != NULL ? find_runs(ix, q->host, runs) : RUNS + 1;
    if (n_runs > RUNS)
        return route_choose(routes, n, q, out);
    *out = (struct route_choice){.index = SIZE_MAX};
    runs[n_runs++] = (struct run){.open = ix->open, .n = ix->n_open};
    for (size_t i = take_next(runs, n_runs); i != SIZE_MAX && !route_consider(routes, i, q, out); i = take_next(runs, n_runs))
        ;
    return route_conclude(routes, q, out);
}

bool route_index_names_host(const struct route_index *ix, const struct config_route *routes, size_t n, struct span host)
{
    struct run runs[RUNS];
    size_t n_runs = ix != NULL ? find_runs(ix, host, runs) : RUNS + 1;
    if (n_runs > RUNS)
        return route_names_host(routes, n, host);
    for (size_t i = take_next(runs, n_runs); i != SIZE_MAX; i = take_next(runs, n_runs))
        if (route_names_host(&routes[i], 1, host)) /* two patterns may have one hash */
            return true;
    return false;
}
