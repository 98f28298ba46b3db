/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters. Each worker owns one struct counters and is the only writer; readers sum over the workers. A field is
 * changed with counters_add and counters_sub, which are plain machine adds that another thread may watch.
 *
 * There is one row per listener, upstream, target and route, found by name in constant time; rows never move, and
 * outlive a reload. A listener's row uses the fields of the accepting side, upstream_connects and refused; an upstream's
 * row the fields of the connecting side and refused. Two more kinds serve metrics: a row for each listener and upstream
 * that requests went through together, and one for each reason that handshakes failed for.
 */
#ifndef MTLSD_CONTROL_COUNTERS_H
#define MTLSD_CONTROL_COUNTERS_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/reasons.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number of clients accepted with this status, among those whose certificate was requested; the first is REASON_VALID. */
struct counters_judged {
    uint64_t connections, requests;
    uint64_t last; /* seconds since 1970; 0: never, or valid */
};
enum { COUNTERS_STATUSES = REASON_MALFORMED + 1 };

/* The last of these that was not valid: its subject, or its address if it had no certificate. */
enum { COUNTERS_LAST = 3, COUNTERS_WHO_SIZE = 96 };
struct counters_last { /* read by counters_last_get only */
    uint64_t turn, when; /* when: seconds since 1970; 0: empty */
    uint64_t words[COUNTERS_WHO_SIZE / 8];
};

/* Durations by size: below[i] counts those of at most counters_bound_us[i], the last those that are longer. */
enum { COUNTERS_BOUNDS = 14 };
extern const uint64_t counters_bound_us[COUNTERS_BOUNDS];
struct counters_times {
    uint64_t below[COUNTERS_BOUNDS + 1];
    uint64_t sum_us;
};

/* The end of the certificate that ends first, of those that peers showed lately. */
struct counters_soonest {
    uint64_t not_after; /* seconds since 1970; 0: none */
    uint64_t since;     /* when it was first seen */
};

enum { COUNTERS_CLASSES = 6, COUNTERS_ROWS = 128 * 1024 }; /* enough of each kind for any daemon; memory goes to those that are there */

struct counters_row {
    char name[64]; /* set once; a longer name is cut. Behind it, to answers, stand only counts, which counters_sum adds up in one loop */
    uint64_t connections_accepted;
    uint64_t connections_open; /* goes down too */
    uint64_t requests;
    uint64_t handshakes_ok; /* accepting side */
    uint64_t resumed;       /* of those */
    uint64_t bytes_down_in, bytes_down_out; /* payload from and to the caller */
    uint64_t upstream_connects;
    uint64_t upstream_handshakes_ok;
    uint64_t upstream_resumed; /* of those */
    uint64_t staples_ignored;  /* likewise: with a stapled OCSP answer that did not count */
    uint64_t unanswered;       /* clients that were accepted without the answer of their OCSP responder */
    uint64_t bytes_up_in, bytes_up_out; /* payload from and to the upstream */
    uint64_t upstream_requests;         /* requests and tcp connections that got a target */
    uint64_t retries;                   /* further attempts they took */
    uint64_t would_refuse;              /* passed although rules that are only tried out would refuse them */
    uint64_t answers[COUNTERS_CLASSES]; /* HTTP answers to the caller by class: [2] is 2xx */
    struct counters_judged judged[COUNTERS_STATUSES]; /* accepting side, by enum reason */
    struct counters_last last[COUNTERS_LAST];
    uint64_t refused[REASON_COUNT];     /* connections and requests that ended with this reason */
    struct counters_times handshakes;   /* that succeeded */
    struct counters_soonest peer;
};

struct counters_target {
    char name[192]; /* "upstream/target" */
    uint64_t active;   /* requests and tcp connections that run on it; goes down too */
    uint64_t requests; /* that ended, and had it last */
    uint64_t retries;  /* further attempts they took */
    uint64_t failures; /* it could not be reached, or failed as a server */
};

struct counters_route {
    char name[80]; /* "listener/number", the first is 1 */
    uint64_t hits;
    uint64_t refused; /* of those, for whatever reason */
};

struct counters_requests {
    char name[144]; /* "listener/upstream"; nothing behind the slash: no upstream was chosen */
    uint64_t answers[COUNTERS_CLASSES];
    struct counters_times took;
};

struct counters_failures {
    char name[144]; /* "listener/NAME/reason", "upstream/NAME/reason" */
    uint64_t n;     /* handshakes that failed */
};

struct counters_table;
struct counters { /* each owned; only counters.c looks inside */
    struct counters_table *listeners, *upstreams, *targets, *routes, *requests, *failures;
};

/* Room for that many rows of each kind: leave some for a reload that brings new names. -1: out of memory. */
MUST_CHECK int counters_init(struct counters *c, size_t max_rows);
void counters_clear(struct counters *c);

/* The row of that name, made on first use. Past the maximum every new name shares one row, which is called "other". For the owner only. */
struct counters_row *counters_listener(struct counters *c, const char *name);
struct counters_row *counters_upstream(struct counters *c, const char *name);
struct counters_target *counters_target(struct counters *c, const char *upstream, const char *target);
struct counters_route *counters_route(struct counters *c, const char *listener, size_t number);

/* upstream: "" where none was chosen. */
struct counters_requests *counters_requests(struct counters *c, const char *listener, const char *upstream);
/* side: "listener" or "upstream"; reason: its word. */
struct counters_failures *counters_failures(struct counters *c, const char *side, const char *name, const char *reason);

/* NULL: nothing was counted there. For the owner, or in a sum. */
const struct counters_row *counters_find_listener(const struct counters *c, const char *name);
const struct counters_row *counters_find_upstream(const struct counters *c, const char *name);
const struct counters_target *counters_find_target(const struct counters *c, const char *upstream, const char *target);
const struct counters_route *counters_find_route(const struct counters *c, const char *listener, size_t number);
const struct counters_requests *counters_find_requests(const struct counters *c, const char *listener, const char *upstream);
const struct counters_failures *counters_find_failures(const struct counters *c, const char *side, const char *name, const char *reason);
/* Some handshake failed. */
bool counters_has_failures(const struct counters *c);

/* For the owner: keeps this one in the place of the oldest. A name that is too long is cut. */
void counters_last_put(struct counters_last slots[COUNTERS_LAST], const char *who, uint64_t when);
/* From any thread. False: empty, or just being written. */
bool counters_last_get(const struct counters_last *slot, char who[COUNTERS_WHO_SIZE], uint64_t *when);


/* For the owner. */
void counters_times_add(struct counters_times *t, uint64_t us);
/* For the owner: a peer showed a certificate that ends then. One that was seen longer than keep_s ago makes room for it. */
void counters_soonest_see(struct counters_soonest *s, uint64_t not_after, uint64_t now, uint64_t keep_s);

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
