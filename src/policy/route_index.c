/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/route_index.h"

#include "mtlsd/base/hostname.h"
#include "mtlsd/base/request_path.h"

#include <stdlib.h>
#include <string.h>

enum { FEW = 16 };

/* A route is found by the end of the host and the beginning of the path that it wants; 0: any. */
struct route_entry {
    uint64_t host, path;
    size_t route;
};

/* Where the entries of a host are, or those of a host and a path. */
struct slot {
    uint64_t key;
    uint32_t first, n; /* n 0: empty */
};

struct route_index {
    struct route_entry *entries; /* one per pattern of a host, by host, path and then in the order of the routes */
    size_t n;
    size_t longest;        /* of what is hashed of a pattern */
    bool by_path;          /* else the paths of all entries count as any */
    struct slot *slots;    /* open addressing; more than half of them are empty */
    size_t n_slots;        /* a power of two */
};

/* ---- hashing: from the end, so that one pass over a host passes by all of its suffixes ---- */

static uint64_t add_byte(uint64_t hash, uint8_t c)
{
    uint8_t low = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    return (hash ^ low) * UINT64_C(0x100000001b3);
}

static const uint64_t nothing = UINT64_C(0xcbf29ce484222325);

/* The host, or the end of the host, that a run is for. */
static struct span hashed_part(const char *text, char room[HOSTNAME_IPV6_SIZE])
{
    struct span pattern = span_from_str(text);
    bool is_suffix = pattern.len >= 3 && memcmp(pattern.ptr, "*.", 2) == 0;
    return hostname_canonical(is_suffix ? span_skip(pattern, 1) : pattern, room);
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
    const struct route_entry *x = a, *y = b;
    if (x->host != y->host)
        return x->host < y->host ? -1 : 1;
    if (x->path != y->path)
        return x->path < y->path ? -1 : 1;
    return x->route < y->route ? -1 : x->route > y->route;
}

static void add_route(struct route_index *ix, const struct config_route *route, size_t i)
{
    uint64_t path = ix->by_path && route->path != NULL ? request_path_rule_beginning(route->path) : 0;
    for (size_t k = 0; k < route->host.n; k++) {
        char room[HOSTNAME_IPV6_SIZE];
        struct span part = hashed_part(route->host.items[k], room);
        ix->entries[ix->n++] = (struct route_entry){hash_of(part), path, i};
        ix->longest = part.len > ix->longest ? part.len : ix->longest;
    }
    if (route->host.n == 0)
        ix->entries[ix->n++] = (struct route_entry){0, path, i};
}

static uint64_t key_of(uint64_t host, uint64_t path)
{
    return (host + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ path;
}

static struct slot *slot_of(const struct route_index *ix, uint64_t key)
{
    size_t i = (size_t)(key ^ key >> 32) & (ix->n_slots - 1);
    while (ix->slots[i].n != 0 && ix->slots[i].key != key)
        i = (i + 1) & (ix->n_slots - 1);
    return &ix->slots[i];
}

/* -1: two keys are the same by chance, and their entries are not one run. */
static int add_to_slot(struct route_index *ix, uint64_t key, size_t i)
{
    struct slot *slot = slot_of(ix, key);
    if (slot->n == 0)
        *slot = (struct slot){key, (uint32_t)i, 0};
    if (slot->first + slot->n != i)
        return -1;
    slot->n++;
    return 0;
}

static int fill(struct route_index *ix, const struct config_route *routes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add_route(ix, &routes[i], i);
    qsort(ix->entries, ix->n, sizeof(*ix->entries), compare);
    for (ix->n_slots = 1; ix->n_slots <= 4 * ix->n;)
        ix->n_slots *= 2;
    ix->slots = calloc(ix->n_slots, sizeof(*ix->slots));
    if (ix->slots == NULL)
        return -1;
    int rc = 0;
    for (size_t i = 0; i < ix->n && rc == 0; i++) {
        const struct route_entry *e = &ix->entries[i];
        rc = add_to_slot(ix, e->host, i);
        if (rc == 0 && ix->by_path)
            rc = add_to_slot(ix, key_of(e->host, e->path), i);
    }
    return rc;
}

struct route_index *route_index_new(const struct config_route *routes, size_t n)
{
    size_t n_patterns = 0, n_open = 0, n_paths = 0;
    for (size_t i = 0; i < n; i++) {
        n_patterns += routes[i].host.n;
        n_open += routes[i].host.n == 0;
        n_paths += routes[i].path != NULL;
    }
    if (n_patterns < FEW && n_paths < FEW)
        return NULL;
    struct route_index *ix = calloc(1, sizeof(*ix));
    if (ix == NULL)
        return NULL;
    ix->by_path = n_paths >= FEW;
    ix->entries = calloc(n_patterns + n_open, sizeof(*ix->entries));
    if (ix->entries != NULL && fill(ix, routes, n) == 0)
        return ix;
    route_index_free(ix);
    return NULL;
}

void route_index_free(struct route_index *ix)
{
    if (ix == NULL)
        return;
    free(ix->entries);
    free(ix->slots);
    free(ix);
}

/* ---- looking up ---- */

static struct route_run find(const struct route_index *ix, uint64_t key)
{
    const struct slot *slot = slot_of(ix, key);
    return (struct route_run){&ix->entries[slot->first], slot->n};
}

static void add_run(struct route_runs *runs, struct route_run run)
{
    if (run.n > 0 && runs->n < ROUTE_RUNS)
        runs->items[runs->n] = run;
    runs->n += run.n > 0;
}

void route_index_find(const struct route_index *ix, struct span host, struct route_runs *out)
{
    uint64_t hash = nothing;
    char room[HOSTNAME_IPV6_SIZE];
    out->ix = ix;
    out->n = 0;
    if (ix == NULL)
        return;
    host = hostname_canonical(host, room);
    for (size_t i = host.len; i > 0 && host.len - i < ix->longest; i--) {
        hash = add_byte(hash, host.ptr[i - 1]);
        if (i == 1 || host.ptr[i - 1] == '.')
            add_run(out, find(ix, hash));
    }
}

/* From the runs of each host, the routes that can match the path. */
static void narrow_by_path(const struct route_index *ix, const struct route_runs *hosts, struct span path, struct route_runs *out)
{
    uint64_t paths[PATH_BEGINNINGS + 1] = {0};
    size_t n = 1 + request_path_beginnings(path, paths + 1);
    for (size_t i = 0; i < hosts->n; i++)
        for (size_t k = 0; k < n; k++)
            add_run(out, find(ix, key_of(hosts->items[i].entries[0].host, paths[k])));
}

static size_t front(const struct route_run *run)
{
    return run->entries[0].route;
}

static void step(struct route_run *run)
{
    run->entries++;
    run->n--;
}

/* The next route in the order of the list, taken from all runs that have it; SIZE_MAX: there is none. */
static size_t take_next(struct route_runs *runs)
{
    size_t next = SIZE_MAX;
    for (size_t i = 0; i < runs->n; i++)
        if (runs->items[i].n > 0 && front(&runs->items[i]) < next)
            next = front(&runs->items[i]);
    for (size_t i = 0; i < runs->n; i++)
        while (runs->items[i].n > 0 && front(&runs->items[i]) == next)
            step(&runs->items[i]);
    return next;
}

static bool is_of_use(const struct route_runs *found)
{
    return found != NULL && found->ix != NULL && found->n <= ROUTE_RUNS;
}

/* With the routes of any host, without those of another path. */
static bool narrow(const struct route_runs *found, struct span path, struct route_runs *out)
{
    if (!is_of_use(found))
        return false;
    struct route_runs hosts = *found;
    add_run(&hosts, find(hosts.ix, 0));
    if (hosts.n > ROUTE_RUNS)
        return false;
    out->n = 0;
    if (hosts.ix->by_path)
        narrow_by_path(hosts.ix, &hosts, path, out);
    else
        *out = hosts;
    return out->n <= ROUTE_RUNS;
}

enum reason route_index_choose(const struct route_runs *found, const struct config_route *routes, size_t n, const struct route_question *q,
                               struct route_choice *out)
{
    struct route_runs runs;
    if (!narrow(found, q->path, &runs))
        return route_choose(routes, n, q, out);
    *out = (struct route_choice){.index = SIZE_MAX};
    for (size_t i = take_next(&runs); i != SIZE_MAX && !route_consider(routes, i, q, out); i = take_next(&runs))
        ;
    return route_conclude(routes, q, out);
}

bool route_index_names_host(const struct route_runs *found, const struct config_route *routes, size_t n, struct span host)
{
    if (!is_of_use(found))
        return route_names_host(routes, n, host);
    for (size_t i = 0; i < found->n; i++)
        for (size_t k = 0; k < found->items[i].n; k++)
            if (route_names_host(&routes[found->items[i].entries[k].route], 1, host)) /* two patterns may have one hash */
                return true;
    return false;
}
