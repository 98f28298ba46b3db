/* SPDX-License-Identifier: Apache-2.0 */
/* Names to addresses for one worker: the name cache with libuv's look-ups under it. */
#ifndef MTLSD_IO_RESOLVE_H
#define MTLSD_IO_RESOLVE_H

#include "mtlsd/proxy/name_cache.h"

#include <uv.h>

/* As uv_getaddrinfo; a test has its own. */
typedef int (*resolve_fn)(uv_loop_t *loop, uv_getaddrinfo_t *req, uv_getaddrinfo_cb cb, const char *host, const char *service,
                          const struct addrinfo *hints);

struct resolve;

struct resolve_lookup { /* one that runs */
    uv_getaddrinfo_t req;
    struct resolve *resolve;
    struct name_entry *entry; /* NULL: free */
};

struct resolve {
    uv_loop_t *loop;
    resolve_fn look_up;
    struct name_cache *cache;
    struct resolve_lookup lookups[NAME_ALL_LOOKUPS_MAX];
    uv_timer_t timer; /* for those who would take an older answer */
    bool stopped;
};

struct resolve_ask { /* part of whoever asks; zeroed by it */
    struct name_waiter waiter; /* first */
    void (*on_answer)(struct resolve_ask *ask, const struct name_answer *answer);
};

/* -1: out of memory. */
MUST_CHECK int resolve_init(struct resolve *r, uv_loop_t *loop, resolve_fn look_up);
/* No look-up begins any more; those that can be stopped are. The loop then lives for what cannot: see resolve_is_held. */
void resolve_stop(struct resolve *r);
/* After the loop has ended. */
void resolve_clear(struct resolve *r);
bool resolve_is_held(const struct resolve *r);

/* on_answer is called later, and only, when this gives NAME_WAITS. */
enum name_verdict resolve_ask(struct resolve *r, const char *host, struct resolve_ask *ask, struct name_answer *answer);
void resolve_leave(struct resolve *r, struct resolve_ask *ask);
void resolve_doubt(struct resolve *r, const char *host);

#endif
