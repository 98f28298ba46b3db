/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/route_index.h"

#include "mtlsd/base/hostname.h"
#include "mtlsd/base/request_path.h"

#include <stdlib.h>
#include <string.h>

enum { FEW = 16, RUNS = 32 };

/* A route is found by the end of the host and the beginning of the path that it wants; 0: any. */
struct entry {
    uint64_t host, path;
    size_t route;
};

struct route_index {
    struct entry *entries; /* one per pattern of a host, by host, path and then in the order of the routes */
    size_t n;
    size_t longest;        /* of what is hashed of a pattern */
    bool by_path;          /* else the paths of all entries count as any */
};

struct run { /* routes in their order, not yet looked at */
    const struct entry *entries;
    size_t n;
};

struct runs {
    struct run items[RUNS];
    size_t n; /* more than RUNS: there is no room for all of them */
};

/* ---- hashing: from the end, so that one pass over a host passes by all of its suffixes ---- */

static uint64_t add_byte(uint64_t hash, uint8_t c)
{
    uint8_t low = c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    return (hash ^ low) * UINT64_C(0x100000001b3);
}

static const uint64_t nothing = UINT64_C(0xcbf29ce484222325);

/* What a host has to be, or to end with. */
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
    const struct entry *x = a, *y = b;
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
        ix->entries[ix->n++] = (struct entry){hash_of(part), path, i};
        ix->longest = part.len > ix->longest ? part.len : ix->longest;
    }
    if (route->host.n == 0)
        ix->entries[ix->n++] = (struct entry){0, path, i};
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
    if (ix->entries == NULL) {
        route_index_free(ix);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        add_route(ix, &routes[i], i);
    qsort(ix->entries, ix->n, sizeof(*ix->entries), compare);
    return ix;
}

void route_index_free(struct route_index *ix)
{
    if (ix == NULL)
        return;
    free(ix->entries);
    free(ix);
}

/* ---- looking up ---- */

/* How many entries of a run have a smaller number, or, past, one that is not greater. */
static size_t count_before(struct run run, uint64_t number, bool by_path, bool past)
{
    size_t low = 0, high = run.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint64_t seen = by_path ? run.entries[middle].path : run.entries[middle].host;
        if (seen < number || (past && seen == number))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The entries of one number among those of a run that are sorted by it: by host in the whole index, by path among those of one host. */
static struct run part_of(struct run run, uint64_t number, bool by_path)
{
    size_t first = count_before(run, number, by_path, false);
    struct run rest = {&run.entries[first], run.n - first};
    bool any = rest.n > 0 && (by_path ? rest.entries[0].path : rest.entries[0].host) == number;
    return (struct run){rest.entries, any ? count_before(rest, number, by_path, true) : 0};
}

static void add_run(struct runs *runs, struct run run)
{
    if (run.n > 0 && runs->n < RUNS)
        runs->items[runs->n] = run;
    runs->n += run.n > 0;
}

/* The runs of all that can match this host by name. */
static void find_by_host(const struct route_index *ix, struct span host, struct runs *runs)
{
    const struct run all = {ix->entries, ix->n};
    uint64_t hash = nothing;
    char room[HOSTNAME_IPV6_SIZE];
    host = hostname_canonical(host, room);
    for (size_t i = host.len; i > 0 && host.len - i < ix->longest; i--) {
        hash = add_byte(hash, host.ptr[i - 1]);
        if (i == 1 || host.ptr[i - 1] == '.')
            add_run(runs, part_of(all, hash, false));
    }
}

/* Of each run those that can match the path. */
static void narrow_by_path(const struct runs *hosts, struct span path, struct runs *out)
{
    uint64_t paths[PATH_BEGINNINGS + 1] = {0};
    size_t n = 1 + request_path_beginnings(path, paths + 1);
    for (size_t i = 0; i < hosts->n; i++)
        for (size_t k = 0; k < n; k++)
            add_run(out, part_of(hosts->items[i], paths[k], true));
}

static size_t front(const struct run *run)
{
    return run->entries[0].route;
}

static void step(struct run *run)
{
    run->entries++;
    run->n--;
}

/* The next route in the order of the list, taken from all runs that have it; SIZE_MAX: there is none. */
static size_t take_next(struct runs *runs)
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

static bool find_runs(const struct route_index *ix, const struct route_question *q, struct runs *out)
{
    struct runs hosts = {.n = 0};
    find_by_host(ix, q->host, &hosts);
    add_run(&hosts, part_of((struct run){ix->entries, ix->n}, 0, false));
    if (hosts.n > RUNS)
        return false;
    out->n = 0;
    if (ix->by_path)
        narrow_by_path(&hosts, q->path, out);
    else
        *out = hosts;
    return out->n <= RUNS;
}

enum reason route_index_choose(const struct route_index *ix, const struct config_route *routes, size_t n, const struct route_question *q,
                               struct route_choice *out)
{
    struct runs runs;
    if (ix == NULL || !find_runs(ix, q, &runs))
        return route_choose(routes, n, q, out);
    *out = (struct route_choice){.index = SIZE_MAX};
    for (size_t i = take_next(&runs); i != SIZE_MAX && !route_consider(routes, i, q, out); i = take_next(&runs))
        ;
    return route_conclude(routes, q, out);
}

bool route_index_names_host(const struct route_index *ix, const struct config_route *routes, size_t n, struct span host)
{
    struct runs runs = {.n = 0};
    if (ix != NULL)
        find_by_host(ix, host, &runs);
    if (ix == NULL || runs.n > RUNS)
        return route_names_host(routes, n, host);
    for (size_t i = 0; i < runs.n; i++)
        for (size_t k = 0; k < runs.items[i].n; k++)
            if (route_names_host(&routes[runs.items[i].entries[k].route], 1, host)) /* two patterns may have one hash */
                return true;
    return false;
}
