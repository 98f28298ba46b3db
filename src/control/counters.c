/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/counters.h"

#include <stdlib.h>
#include <string.h>

int counters_init(struct counters *c, size_t max_listeners, size_t max_upstreams)
{
    *c = (struct counters){.max_listeners = max_listeners + 1, .max_upstreams = max_upstreams + 1};
    c->listeners = calloc(c->max_listeners, sizeof(*c->listeners));
    c->upstreams = calloc(c->max_upstreams, sizeof(*c->upstreams));
    if (c->listeners == NULL || c->upstreams == NULL) {
        counters_clear(c);
        return -1;
    }
    return 0;
}

void counters_clear(struct counters *c)
{
    free(c->listeners);
    free(c->upstreams);
    *c = (struct counters){0};
}

static void set_name(struct counters_row *row, const char *name)
{
    size_t n = strnlen(name, sizeof(row->name) - 1);
    memcpy(row->name, name, n);
    row->name[n] = '\0';
}

/* Only the owner makes rows. The count is published after the name, so that a reader never sees a row without one. */
static struct counters_row *find(struct counters_row *rows, size_t *n, size_t max, const char *name)
{
    size_t have = *n;
    for (size_t i = 0; i < have; i++)
        if (strncmp(rows[i].name, name, sizeof(rows[i].name) - 1) == 0)
            return &rows[i];
    if (have == max)
        return &rows[max - 1];
    set_name(&rows[have], have == max - 1 ? "other" : name);
    __atomic_store_n(n, have + 1, __ATOMIC_RELEASE);
    return &rows[have];
}

struct counters_row *counters_listener(struct counters *c, const char *name)
{
    return find(c->listeners, &c->n_listeners, c->max_listeners, name);
}

struct counters_row *counters_upstream(struct counters *c, const char *name)
{
    return find(c->upstreams, &c->n_upstreams, c->max_upstreams, name);
}

static void take(uint64_t *into, const uint64_t *from)
{
    *into += __atomic_load_n(from, __ATOMIC_RELAXED);
}

static void sum_row(struct counters_row *into, const struct counters_row *from)
{
    take(&into->connections_accepted, &from->connections_accepted);
    take(&into->connections_open, &from->connections_open);
    take(&into->requests, &from->requests);
    take(&into->handshakes_ok, &from->handshakes_ok);
    take(&into->resumed, &from->resumed);
    take(&into->bytes_down_in, &from->bytes_down_in);
    take(&into->bytes_down_out, &from->bytes_down_out);
    take(&into->upstream_connects, &from->upstream_connects);
    take(&into->upstream_handshakes_ok, &from->upstream_handshakes_ok);
    take(&into->upstream_resumed, &from->upstream_resumed);
    take(&into->bytes_up_in, &from->bytes_up_in);
    take(&into->bytes_up_out, &from->bytes_up_out);
    for (size_t i = 0; i < sizeof(into->answers) / sizeof(into->answers[0]); i++)
        take(&into->answers[i], &from->answers[i]);
    for (size_t i = 0; i < REASON_COUNT; i++)
        take(&into->refused[i], &from->refused[i]);
}

void counters_sum(struct counters *into, const struct counters *from)
{
    size_t n = __atomic_load_n(&from->n_listeners, __ATOMIC_ACQUIRE);
    for (size_t i = 0; i < n; i++)
        sum_row(counters_listener(into, from->listeners[i].name), &from->listeners[i]);
    n = __atomic_load_n(&from->n_upstreams, __ATOMIC_ACQUIRE);
    for (size_t i = 0; i < n; i++)
        sum_row(counters_upstream(into, from->upstreams[i].name), &from->upstreams[i]);
}
