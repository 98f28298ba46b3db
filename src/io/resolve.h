/* SPDX-License-Identifier: Apache-2.0 */
/* Names to addresses for one worker: the name cache on top of the system's lookups. */
#ifndef MTLSD_IO_RESOLVE_H
#define MTLSD_IO_RESOLVE_H

#include "lookup.h"
#include "mtlsd/proxy/name_cache.h"

struct resolve {
    lookup_fn look_up; /* lookup_system; a test has its own */
    struct name_cache *cache;
    struct lookup_box *box;
    uv_timer_t timer;  /* for what name_cache_deadline_us says */
    bool stopped;
};

struct resolve_ask { /* part of the user's struct; zeroed by it */
    struct name_waiter waiter; /* first */
    void (*on_answer)(struct resolve_ask *ask, const struct name_answer *answer);
};

/* -1: out of memory. */
MUST_CHECK int resolve_init(struct resolve *r, uv_loop_t *loop, lookup_fn look_up);
/* No further lookup begins, and results of running ones are dropped; the loop does not wait for them. */
void resolve_stop(struct resolve *r);
/* After the loop has ended. */
void resolve_clear(struct resolve *r);
/* A look-up was running when it was stopped. */
bool resolve_is_held(const struct resolve *r);

/* on_answer is called later, and only, when this gives NAME_WAITS. */
enum name_verdict resolve_ask(struct resolve *r, const char *host, struct resolve_ask *ask, struct name_answer *answer);
void resolve_leave(struct resolve *r, struct resolve_ask *ask);
void resolve_doubt(struct resolve *r, const char *host);

#endif
