/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idle connections to upstreams, one pool per worker and snapshot: a reload makes new upstreams, so a connection made with an old identity or
 * trust is never found again. Also keeps the retired ones until the driver has closed them. Pure: it opens and closes nothing.
 */
#ifndef MTLSD_PROXY_POOL_H
#define MTLSD_PROXY_POOL_H

#include "mtlsd/proxy/uplink.h"

struct pool;

struct pool *pool_new(const struct plan_target *targets, size_t n);
void pool_free(struct pool *p); /* must be empty: see pool_retire_all */

bool pool_has(const struct pool *p, const struct plan_target *target); /* it is of the same snapshot */

/* The connection used last, which is the one least likely to have been closed by the peer; NULL: none. Dooms those whose time is over.
 * unused: only one that has not carried anything yet. */
struct uplink *pool_take(struct pool *p, const struct plan_target *target, bool unused, uint64_t now_us);
/* Keeps u for its upstream's pool_idle or its own idle.keep_us, whichever is shorter, and not beyond max_connection_age. Dooms it: not of this pool, more than pool_max, idle.keep_us is 0. */
void pool_put(struct pool *p, struct uplink *u, uint64_t now_us);
/* As pool_retire, for one whose peer ended it while it lay idle. True: it had been made to be kept ready, and ended at once; its like is made later and
 * later. */
bool pool_lost(struct pool *p, struct uplink *u, uint64_t now_us);
/* Takes u out of where it is and retires it. */
void pool_retire(struct pool *p, struct uplink *u);
void pool_retire_all(struct pool *p);
/* Dooms those that were idle for as long as they may be; gives how many. */
size_t pool_expire(struct pool *p, uint64_t now_us);
/* Call it each second: of a target with many idle ones, retires some that the requests of the last seconds had no use for, the oldest first. */
void pool_trim(struct pool *p);

/* ---- connections that several requests share (HTTP/2) ---- */

/* A connection that is open with room for another request, or is being opened and may come to HTTP/2: it is waited for. NULL: none. */
struct uplink *pool_find_shared(struct pool *p, const struct plan_target *target);
/* Others may join u from now on; nothing where it may not be shared, or is of another snapshot. */
void pool_share(struct pool *p, struct uplink *u);
void pool_unshare(struct pool *p, struct uplink *u);
/* u is open: what its target speaks is known. */
void pool_learn(struct pool *p, struct uplink *u);

/* Some targets have connections that are kept ready (pool.spare). */
bool pool_keeps_spares(const struct pool *p);
/* A target that a connection is to be made to now, so that pool.spare of them lie ready; NULL: enough. It counts as under way until one of the
 * two below is called. */
const struct plan_target *pool_wants_spare(struct pool *p, uint64_t now_us);
void pool_spare_made(struct pool *p, struct uplink *u, uint64_t now_us);
/* The next attempt comes later and later, up to a minute. */
void pool_spare_failed(struct pool *p, const struct plan_target *target, uint64_t now_us);

/* The next retired uplink, now the driver's to close and free; NULL: none. */
struct uplink *pool_next_retired(struct pool *p);
size_t pool_idle_count(const struct pool *p);

#endif
