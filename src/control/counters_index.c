/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/counters_index.h"
#include "target_name.h"

#include <stdint.h>
#include <stdlib.h>

void counters_index_init(struct counters_index *ix, struct counters *counters)
{
    *ix = (struct counters_index){.counters = counters};
}

void counters_index_clear(struct counters_index *ix)
{
    free(ix->listeners);
    free(ix->upstreams);
    free(ix->targets);
    free(ix->routes);
    free(ix->requests);
    counters_index_init(ix, ix->counters);
}

void counters_index_adopt(struct counters_index *ix, const struct snapshot *s)
{
    counters_index_clear(ix);
    for (size_t i = 0; i < s->config->n_listeners; i++)
        ix->n_routes += s->listeners[i].n_routes;
    ix->listeners = calloc(s->config->n_listeners + 1, sizeof(void *));
    ix->upstreams = calloc(s->config->n_upstreams + 1, sizeof(void *));
    ix->targets = calloc(s->n_targets + 1, sizeof(void *));
    ix->routes = calloc(ix->n_routes + 1, sizeof(void *));
    bool shown = s->config->admin_socket != NULL || s->config->n_served > 0;
    ix->requests = shown ? calloc(ix->n_routes + 1, sizeof(void *)) : NULL;
    if (ix->listeners == NULL || ix->upstreams == NULL || ix->targets == NULL || ix->routes == NULL || (ix->requests == NULL && shown))
        counters_index_clear(ix);
    else
        ix->snapshot = s;
}

/* Where the row of something is kept, which stands in an array of so many; NULL when it is of another snapshot. */
static void **place(void *rows, const void *what, const void *array, size_t n, size_t size)
{
    uintptr_t at = (uintptr_t)what, first = (uintptr_t)array;
    return at >= first && at < first + n * size ? (void **)rows + (at - first) / size : NULL;
}

static void *keep(void **place, void *row)
{
    if (place != NULL)
        *place = row;
    return row;
}

struct counters_row *counters_index_listener(struct counters_index *ix, const struct plan_listener *l)
{
    const struct snapshot *s = ix->snapshot;
    void **at = s != NULL ? place(ix->listeners, l, s->listeners, s->config->n_listeners, sizeof(*l)) : NULL;
    return at != NULL && *at != NULL ? *at : keep(at, counters_listener(ix->counters, l->conf->name));
}

struct counters_row *counters_index_upstream(struct counters_index *ix, const struct plan_upstream *up)
{
    const struct snapshot *s = ix->snapshot;
    void **at = s != NULL ? place(ix->upstreams, up, s->upstreams, s->config->n_upstreams, sizeof(*up)) : NULL;
    return at != NULL && *at != NULL ? *at : keep(at, counters_upstream(ix->counters, up->conf->name));
}

struct counters_target *counters_index_target(struct counters_index *ix, const struct plan_target *t)
{
    const struct snapshot *s = ix->snapshot;
    void **at = s != NULL ? place(ix->targets, t, s->targets, s->n_targets, sizeof(*t)) : NULL;
    return at != NULL && *at != NULL ? *at : keep(at, counters_target(ix->counters, t->upstream->conf->name, target_name_label(t)));
}

struct counters_route *counters_index_route(struct counters_index *ix, const struct plan_listener *l, const struct plan_route *route)
{
    const struct snapshot *s = ix->snapshot;
    void **at = s != NULL ? place(ix->routes, route, s->routes, ix->n_routes, sizeof(*route)) : NULL;
    return at != NULL && *at != NULL ? *at : keep(at, counters_route(ix->counters, l->conf->name, (size_t)(route - l->routes) + 1));
}

struct counters_requests *counters_index_requests(struct counters_index *ix, const struct plan_listener *l, const struct plan_route *route,
                                                  const struct plan_upstream *up)
{
    const struct snapshot *s = ix->snapshot;
    if (ix->requests == NULL)
        return NULL;
    void **at = s != NULL && route != NULL ? place(ix->requests, route, s->routes, ix->n_routes, sizeof(*route)) : NULL;
    return at != NULL && *at != NULL ? *at : keep(at, counters_requests(ix->counters, l->conf->name, up != NULL ? up->conf->name : ""));
}
