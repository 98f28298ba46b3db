/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of one snapshot's listeners, upstreams, targets and routes by their places (those of requests by the route), so that counting a request looks up no name. A connection
 * that began before a reload belongs to another snapshot; its rows are found by name. One per worker, like its counters.
 */
#ifndef MTLSD_CONTROL_COUNTERS_INDEX_H
#define MTLSD_CONTROL_COUNTERS_INDEX_H

#include "mtlsd/control/counters.h"
#include "mtlsd/control/snapshot.h"

struct counters_index {
    struct counters *counters;       /* borrowed */
    const struct snapshot *snapshot; /* only compared with and indexed into while it is the current one; NULL: none */
    void **listeners, **upstreams, **targets, **routes, **requests; /* the rows; owned; NULL entries are not looked up yet */
    size_t n_routes;
};

void counters_index_init(struct counters_index *ix, struct counters *counters);
void counters_index_clear(struct counters_index *ix);
/* The snapshot must live until the next call or counters_index_clear. Without memory everything is found by name. */
void counters_index_adopt(struct counters_index *ix, const struct snapshot *snapshot);

struct counters_row *counters_index_listener(struct counters_index *ix, const struct plan_listener *l);
struct counters_row *counters_index_upstream(struct counters_index *ix, const struct plan_upstream *up);
struct counters_target *counters_index_target(struct counters_index *ix, const struct plan_target *t);
struct counters_route *counters_index_route(struct counters_index *ix, const struct plan_listener *l, const struct plan_route *route);
/* These are only counted if there is an admin socket or a route to read them at. NULL: they are not. up: NULL where no upstream was chosen. route: NULL where none was, or an upstream that is not the route's. */
struct counters_requests *counters_index_requests(struct counters_index *ix, const struct plan_listener *l, const struct plan_route *route,
                                                  const struct plan_upstream *up);

#endif
