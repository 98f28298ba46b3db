/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/pool.h"
#include "mtlsd/proxy/lifetime.h"

#include <assert.h>
#include <stdlib.h>

enum {
    POOL_UNCOUNTED = 64, /* so many idle ones of a target stay until their time is over, used or not */
    POOL_WINDOW = 5,     /* calls of pool_trim: the traffic of so many seconds is looked at */
    POOL_SLICE = 8,      /* an eighth of what is too many goes at a time */
    SPARES_AT_ONCE = 16, /* are made; a start of many upstreams is no storm */
    SPARE_EARLY_US = 2000000, /* a connection that ends so soon was not wanted by its server */
    SPARE_WAIT_US = 1000000,  /* after the first failure; doubled by each, up to 64 times */
};

struct shelf { /* idle connections to one target, used last first */
    struct uplink *first, *last;
    struct uplink *shared; /* in use, or on their way: others may join them */
    bool speaks_http1;     /* the protocol of the last connection that was opened */
    size_t n;
    size_t unused, unused_before; /* the fewest idle ones in this window and in the one before: these were not needed */
    struct shelf *next_wanting;   /* of those that may need a spare connection */
    uint64_t spare_after_us;      /* no attempt before */
    unsigned spare_failures, under_way;
    bool wanting;
};

struct pool {
    const struct plan_target *targets; /* borrowed: identifies the snapshot */
    size_t n_targets;
    struct shelf *shelves;
    struct uplink *retired;
    size_t n_idle;
    unsigned trims;
    struct shelf *wanting;
    unsigned under_way; /* spare connections that are being made */
    bool keeps_spares;
};

static unsigned spares_of(const struct pool *p, const struct shelf *shelf)
{
    return p->targets[shelf - p->shelves].upstream->conf->pool_spare;
}

static void look_for_spare(struct pool *p, struct shelf *shelf)
{
    if (shelf->wanting || spares_of(p, shelf) == 0)
        return;
    shelf->wanting = true;
    shelf->next_wanting = p->wanting;
    p->wanting = shelf;
}

static void look_for_spares(struct pool *p)
{
    for (size_t i = 0; p->keeps_spares && i < p->n_targets; i++)
        look_for_spare(p, &p->shelves[i]);
}

struct pool *pool_new(const struct plan_target *targets, size_t n)
{
    struct pool *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return NULL;
    p->targets = targets;
    p->n_targets = n;
    p->shelves = calloc(n > 0 ? n : 1, sizeof(*p->shelves));
    if (p->shelves == NULL) {
        free(p);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        p->keeps_spares = p->keeps_spares || targets[i].upstream->conf->pool_spare > 0;
    look_for_spares(p);
    return p;
}

void pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    assert(p->n_idle == 0 && p->retired == NULL);
    free(p->shelves);
    free(p);
}

bool pool_has(const struct pool *p, const struct plan_target *target)
{
    return target->index < p->n_targets && target == &p->targets[target->index];
}

static struct shelf *shelf_of(struct pool *p, const struct plan_target *target)
{
    return pool_has(p, target) ? &p->shelves[target->index] : NULL;
}

static void unshelve(struct pool *p, struct shelf *shelf, struct uplink *u)
{
    if (u->pooled.prev != NULL)
        u->pooled.prev->pooled.next = u->pooled.next;
    else
        shelf->first = u->pooled.next;
    if (u->pooled.next != NULL)
        u->pooled.next->pooled.prev = u->pooled.prev;
    else
        shelf->last = u->pooled.prev;
    u->pooled.prev = u->pooled.next = NULL;
    u->pooled.shelved = false;
    shelf->n--;
    if (shelf->unused > shelf->n)
        shelf->unused = shelf->n;
    p->n_idle--;
    look_for_spare(p, shelf);
}

static void retire(struct pool *p, struct uplink *u)
{
    pool_unshare(p, u);
    u->phase = UPLINK_RETIRED;
    u->pooled.prev = NULL;
    u->pooled.next = p->retired;
    p->retired = u;
}

static struct uplink *first_fit(const struct shelf *shelf, bool unused)
{
    struct uplink *u = shelf->first;
    while (unused && u != NULL && u->carried > 0)
        u = u->pooled.next;
    return u;
}

struct uplink *pool_take(struct pool *p, const struct plan_target *target, bool unused, uint64_t now_us)
{
    struct shelf *shelf = shelf_of(p, target);
    for (struct uplink *u; shelf != NULL && (u = first_fit(shelf, unused)) != NULL;) {
        unshelve(p, shelf, u);
        if (u->carried == 0)
            shelf->spare_failures = 0;
        if (now_us < u->pooled.until_us)
            return u;
        retire(p, u); /* its server may be closing it at this moment, and a request that cannot run twice would be lost */
    }
    return NULL;
}

static uint64_t kept_until_us(const struct config_upstream *conf, const struct uplink *u, uint64_t now_us)
{
    uint64_t until_us = now_us + (u->pooled.keep_us < conf->pool_idle_ms * 1000 ? u->pooled.keep_us : conf->pool_idle_ms * 1000);
    if (conf->max_age_ms == 0)
        return until_us;
    uint64_t aged_us = lifetime_by_age(&(struct lifetime_rule){.age_ms = conf->max_age_ms}, u->at.begun_us).soft_us;
    return aged_us < until_us ? aged_us : until_us;
}

void pool_put(struct pool *p, struct uplink *u, uint64_t now_us)
{
    struct shelf *shelf = shelf_of(p, u->target);
    const struct config_upstream *conf = u->target->upstream->conf;
    pool_unshare(p, u);
    uint64_t until_us = shelf != NULL ? kept_until_us(conf, u, now_us) : 0;
    if (shelf == NULL || shelf->n >= conf->pool_max || until_us <= now_us || u->is.closing) {
        retire(p, u);
        return;
    }
    u->pooled.shelved = true;
    u->pooled.since_us = now_us;
    u->pooled.until_us = until_us;
    u->pooled.prev = NULL;
    u->pooled.next = shelf->first;
    if (shelf->first != NULL)
        shelf->first->pooled.prev = u;
    else
        shelf->last = u;
    shelf->first = u;
    shelf->n++;
    p->n_idle++;
}

static void put_spares_off(struct shelf *shelf, uint64_t now_us)
{
    shelf->spare_after_us = now_us + ((uint64_t)SPARE_WAIT_US << shelf->spare_failures);
    shelf->spare_failures += shelf->spare_failures < 6 ? 1 : 0;
}

void pool_retire(struct pool *p, struct uplink *u)
{
    if (u->phase == UPLINK_RETIRED)
        return;
    if (u->pooled.shelved)
        unshelve(p, shelf_of(p, u->target), u);
    retire(p, u);
}

bool pool_lost(struct pool *p, struct uplink *u, uint64_t now_us)
{
    struct shelf *shelf = shelf_of(p, u->target);
    bool early = shelf != NULL && u->carried == 0 && now_us - u->pooled.since_us < SPARE_EARLY_US;
    if (early)
        put_spares_off(shelf, now_us);
    pool_retire(p, u);
    return early;
}

void pool_retire_all(struct pool *p)
{
    for (size_t i = 0; i < p->n_targets; i++) {
        while (p->shelves[i].first != NULL)
            pool_retire(p, p->shelves[i].first);
        for (struct uplink *u; (u = p->shelves[i].shared) != NULL;) { /* they finish, and take no more */
            u->is.closing = true;
            pool_unshare(p, u);
        }
    }
}

size_t pool_expire(struct pool *p, uint64_t now_us)
{
    size_t gone = 0;
    for (size_t i = 0; p->n_idle > 0 && i < p->n_targets; i++) {
        for (struct uplink *u = p->shelves[i].first, *next; u != NULL; u = next) {
            next = u->pooled.next;
            if (now_us < u->pooled.until_us)
                continue;
            p->shelves[i].spare_failures = 0; /* it lay as long as it should */
            pool_retire(p, u);
            gone++;
        }
    }
    return gone;
}

static void trim(struct pool *p, struct shelf *shelf)
{
    size_t unused = shelf->unused < shelf->unused_before ? shelf->unused : shelf->unused_before;
    size_t surplus = unused > POOL_UNCOUNTED ? unused - POOL_UNCOUNTED : 0, gone = (surplus + POOL_SLICE - 1) / POOL_SLICE;
    for (size_t i = 0; i < gone; i++)
        pool_retire(p, shelf->last);
    shelf->unused_before -= gone < shelf->unused_before ? gone : shelf->unused_before;
}

void pool_trim(struct pool *p)
{
    bool window_ends = ++p->trims % POOL_WINDOW == 0;
    look_for_spares(p);
    for (size_t i = 0; p->n_idle > 0 && i < p->n_targets; i++) {
        struct shelf *shelf = &p->shelves[i];
        trim(p, shelf);
        if (!window_ends)
            continue;
        shelf->unused_before = shelf->unused;
        shelf->unused = shelf->n;
    }
}

/* ---- connections that are shared ---- */

struct uplink *pool_find_shared(struct pool *p, const struct plan_target *target)
{
    const struct shelf *shelf = shelf_of(p, target);
    for (struct uplink *u = shelf != NULL ? shelf->shared : NULL; u != NULL; u = u->pooled.next)
        if (uplink_has_room(u) && (u->link.h2 != NULL || !shelf->speaks_http1))
            return u;
    return NULL;
}

void pool_share(struct pool *p, struct uplink *u)
{
    struct shelf *shelf = shelf_of(p, u->target);
    if (shelf == NULL || u->is.shared || !uplink_may_share(u))
        return;
    u->is.shared = true;
    u->pooled.prev = NULL;
    u->pooled.next = shelf->shared;
    if (u->pooled.next != NULL)
        u->pooled.next->pooled.prev = u;
    shelf->shared = u;
}

void pool_unshare(struct pool *p, struct uplink *u)
{
    struct shelf *shelf = u->is.shared ? shelf_of(p, u->target) : NULL;
    u->is.shared = false;
    if (shelf == NULL)
        return;
    *(u->pooled.prev != NULL ? &u->pooled.prev->pooled.next : &shelf->shared) = u->pooled.next;
    if (u->pooled.next != NULL)
        u->pooled.next->pooled.prev = u->pooled.prev;
    u->pooled.prev = u->pooled.next = NULL;
}

void pool_learn(struct pool *p, struct uplink *u)
{
    struct shelf *shelf = u->target->http != PLAN_HTTP1 ? shelf_of(p, u->target) : NULL;
    if (shelf == NULL)
        return;
    shelf->speaks_http1 = !u->is.may_http2;
    if (!u->is.may_http2)
        pool_unshare(p, u);
}

/* ---- connections that are kept ready ---- */

bool pool_keeps_spares(const struct pool *p)
{
    return p->keeps_spares;
}

/* Those that will be good for a while: in the last quarter of its time the next one is made. */
static size_t count_ready(const struct shelf *shelf, size_t enough, uint64_t now_us)
{
    size_t n = 0;
    for (const struct uplink *u = shelf->first; u != NULL && n < enough; u = u->pooled.next)
        n += u->pooled.until_us > now_us && u->pooled.until_us - now_us > (u->pooled.until_us - u->pooled.since_us) / 4;
    return n;
}

static bool wants_spare(const struct pool *p, const struct shelf *shelf, uint64_t now_us)
{
    size_t spares = spares_of(p, shelf);
    return now_us >= shelf->spare_after_us && shelf->under_way < spares && count_ready(shelf, spares, now_us) + shelf->under_way < spares;
}

const struct plan_target *pool_wants_spare(struct pool *p, uint64_t now_us)
{
    for (struct shelf *shelf; p->under_way < SPARES_AT_ONCE && (shelf = p->wanting) != NULL;) {
        if (wants_spare(p, shelf, now_us)) {
            shelf->under_way++;
            p->under_way++;
            return &p->targets[shelf - p->shelves];
        }
        p->wanting = shelf->next_wanting;
        shelf->wanting = false;
    }
    return NULL;
}

static struct shelf *spare_ended(struct pool *p, const struct plan_target *target)
{
    struct shelf *shelf = shelf_of(p, target);
    if (shelf == NULL)
        return NULL;
    shelf->under_way--;
    p->under_way--;
    look_for_spare(p, shelf);
    return shelf;
}

void pool_spare_made(struct pool *p, struct uplink *u, uint64_t now_us)
{
    spare_ended(p, u->target);
    pool_put(p, u, now_us);
}

void pool_spare_failed(struct pool *p, const struct plan_target *target, uint64_t now_us)
{
    struct shelf *shelf = spare_ended(p, target);
    if (shelf != NULL)
        put_spares_off(shelf, now_us);
}

struct uplink *pool_next_retired(struct pool *p)
{
    struct uplink *u = p->retired;
    if (u != NULL) {
        p->retired = u->pooled.next;
        u->pooled.next = NULL;
    }
    return u;
}

size_t pool_idle_count(const struct pool *p)
{
    return p->n_idle;
}
