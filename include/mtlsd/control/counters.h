/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened, counted. Each worker owns one struct counters and is the only one to write it; whoever shows numbers sums over the
 * workers. A field is changed with counters_add and counters_sub, which are plain machine adds that another thread may watch.
 *
 * One row per listener and one per upstream, found by name; rows never move. A listener's row uses the fields of the accepting side,
 * upstream_connects and refused; an upstream's row the fields of the connecting side and refused.
 */
#ifndef MTLSD_CONTROL_COUNTERS_H
#define MTLSD_CONTROL_COUNTERS_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/reasons.h"
#include <stddef.h>
#include <stdint.h>

struct counters_row {
    char name[64]; /* set once; a longer name is cut */
    uint64_t connections_accepted;
    uint64_t connections_open; /* goes down too */
    uint64_t requests;
    uint64_t handshakes_ok; /* accepting side */
    uint64_t resumed;       /* of those */
    uint64_t bytes_down_in, bytes_down_out; /* payload from and to the caller */
    uint64_t upstream_connects;
    uint64_t upstream_handshakes_ok;
    uint64_t upstream_resumed; /* of those */
    uint64_t bytes_up_in, bytes_up_out; /* payload from and to the upstream */
    uint64_t answers[6];                /* HTTP answers to the caller by class: [2] is 2xx */
    uint64_t refused[REASON_COUNT];     /* connections and requests that ended with this reason */
};

struct counters {
    struct counters_row *listeners; /* owned */
    size_t n_listeners, max_listeners;
    struct counters_row *upstreams; /* owned */
    size_t n_upstreams, max_upstreams;
};

/* Room for that many rows of each kind, for good: leave some for a reload that brings new names. */
MUST_CHECK int counters_init(struct counters *c, size_t max_listeners, size_t max_upstreams);
void counters_clear(struct counters *c);

/* The row of that name, made on first use. Past the maximum every new name shares the last row, which is then called "other". */
struct counters_row *counters_listener(struct counters *c, const char *name);
struct counters_row *counters_upstream(struct counters *c, const char *name);

/* Adds all rows of from to those of the same name in into. Called from any thread; from may be in use by its worker. */
void counters_sum(struct counters *into, const struct counters *from);

static inline void counters_add(uint64_t *field, uint64_t n)
{
    __atomic_store_n(field, __atomic_load_n(field, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline void counters_sub(uint64_t *field, uint64_t n)
{
    counters_add(field, (uint64_t)0 - n);
}

#endif
