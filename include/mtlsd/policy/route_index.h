/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of a listener found by host and path: the same answers as route_choose and route_names_host give, without a look at each of ten thousand
 * routes. It only leaves out routes whose host or path cannot match; what is left is compared as ever, in the order of the list. A request looks its host
 * up once, with route_index_find, and asks about it more than once.
 */
#ifndef MTLSD_POLICY_ROUTE_INDEX_H
#define MTLSD_POLICY_ROUTE_INDEX_H

#include "mtlsd/policy/route.h"

struct route_index;

/* NULL: too few of the routes name a host or a path for it to be of use, or out of memory. Borrows the routes. */
struct route_index *route_index_new(const struct config_route *routes, size_t n);
void route_index_free(struct route_index *ix);

enum { ROUTE_RUNS = 32 };

struct route_run { /* routes in their order, not yet looked at */
    const struct route_entry *entries;
    size_t n;
};

struct route_runs { /* borrows the index */
    const struct route_index *ix; /* NULL: there is none, all routes are looked at */
    size_t n;                     /* more than ROUTE_RUNS: there is no room for all of them */
    struct route_run items[ROUTE_RUNS];
};

/* All routes that name this host, perhaps with some of another host. ix may be NULL. */
void route_index_find(const struct route_index *ix, struct span host, struct route_runs *out);

/* As route_choose and route_names_host; the routes are those that the index was made of, and found (NULL: nothing) is of the same host. */
enum reason route_index_choose(const struct route_runs *found, const struct config_route *routes, size_t n, const struct route_question *q,
                               struct route_choice *out);
bool route_index_names_host(const struct route_runs *found, const struct config_route *routes, size_t n, struct span host);

#endif
