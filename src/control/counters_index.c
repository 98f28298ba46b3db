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
    counters_index_init(ix, ix->counters);
}

void counters_index_adopt(struct counters_index *ix, const struct snapshot *s)
{
    counters_index_clear(ix);
    for (size_t i = 0; i < s->config->n_listeners; i++)
        ix->n_routes += s->listeners[i].n_routes;
    ix->listeners = calloc(s->config->n_listeners + 1, sizeof(*ix->listeners));
    ix->upstreams = calloc(s->config->n_upstreams + 1, sizeof(*ix->upstreams));
    ix->targets = calloc(s->n_targets + 1, sizeof(*ix->targets));
    ix->routes = calloc(ix->n_routes + 1, sizeof(*ix->routes));
    if (ix->listeners == NULL || ix->upstreams == NULL || ix->targets == NULL || ix->routes == NULL)
        counters_index_clear(ix);
    else
        ix->snapshot = s;
}

/* The place of something in an array of so many, or that many when it stands elsewhere. */
static size_t place(const void *what, const void *array, size_t n, size_t size)
{
    uintptr_t at = (uintptr_t)what, first = (uintptr_t)array;
    return at >= first && at < first + n * size ? (at - first) / size : n;
}

struct counters_row *counters_index_listener(struct counters_index *ix, const struct plan_listener *l)
{
    const struct snapshot *s = ix->snapshot;
    size_t n = s != NULL ? s->config->n_listeners : 0, i = n > 0 ? place(l, s->listeners, n, sizeof(*l)) : 0;
    if (i == n)
        return counters_listener(ix->counters, l->conf->name);
    if (ix->listeners[i] == NULL)
        ix->listeners[i] = counters_listener(ix->counters, l->conf->name);
    return ix->listeners[i];
}

struct counters_row *counters_index_upstream(struct counters_index *ix, const struct plan_upstream *up)
{
    const struct snapshot *s = ix->snapshot;
    size_t n = s != NULL ? s->config->n_upstreams : 0, i = n > 0 ? place(up, s->upstreams, n, sizeof(*up)) : 0;
    if (i == n)
        return counters_upstream(ix->counters, up->conf->name);
    if (ix->upstreams[i] == NULL)
        ix->upstreams[i] = counters_upstream(ix->counters, up->conf->name);
    return ix->upstreams[i];
}

struct counters_target *counters_index_target(struct counters_index *ix, const struct plan_target *t)
{
    const struct snapshot *s = ix->snapshot;
    size_t n = s != NULL ? s->n_targets : 0, i = n > 0 ? place(t, s->targets, n, sizeof(*t)) : 0;
    if (i == n)
        return counters_target(ix->counters, t->upstream->conf->name, target_name_label(t));
    if (ix->targets[i] == NULL)
        ix->targets[i] = counters_target(ix->counters, t->upstream->conf->name, target_name_label(t));
    return ix->targets[i];
}

struct counters_route *counters_index_route(struct counters_index *ix, const struct plan_listener *l, const struct plan_route *route)
{
    const struct snapshot *s = ix->snapshot;
    size_t n = s != NULL ? ix->n_routes : 0, i = n > 0 ? place(route, s->routes, n, sizeof(*route)) : 0;
    size_t number = (size_t)(route - l->routes) + 1;
    if (i == n)
        return counters_route(ix->counters, l->conf->name, number);
    if (ix->routes[i] == NULL)
        ix->routes[i] = counters_route(ix->counters, l->conf->name, number);
    return ix->routes[i];
}
