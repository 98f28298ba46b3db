/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/pool.h"

#include <assert.h>
#include <stdlib.h>

enum {
    POOL_UNCOUNTED = 64, /* so many idle ones of a target stay until their time is over, used or not */
    POOL_WINDOW = 5,     /* calls of pool_trim: the traffic of so many seconds is looked at */
    POOL_SLICE = 8,      /* an eighth of what is too many goes at a time */
};

struct shelf { /* idle connections to one target, used last first */
    struct uplink *first, *last;
    size_t n;
    size_t unused, unused_before; /* the fewest that were idle in this window, and in the one before: nobody needed those */
};

struct pool {
    const struct plan_target *targets; /* borrowed: identifies the snapshot */
    size_t n_targets;
    struct shelf *shelves;
    struct uplink *doomed;
    size_t n_idle;
    unsigned trims;
};

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
    return p;
}

void pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    assert(p->n_idle == 0 && p->doomed == NULL);
    free(p->shelves);
    free(p);
}

static struct shelf *shelf_of(struct pool *p, const struct plan_target *target)
{
    if (target->index >= p->n_targets || target != &p->targets[target->index])
        return NULL; /* of another snapshot */
    return &p->shelves[target->index];
}

static void unshelve(struct pool *p, struct shelf *shelf, struct uplink *u)
{
    if (u->prev != NULL)
        u->prev->next = u->next;
    else
        shelf->first = u->next;
    if (u->next != NULL)
        u->next->prev = u->prev;
    else
        shelf->last = u->prev;
    u->prev = u->next = NULL;
    shelf->n--;
    if (shelf->unused > shelf->n)
        shelf->unused = shelf->n;
    p->n_idle--;
}

static void doom(struct pool *p, struct uplink *u)
{
    u->exchange = NULL;
    u->prev = NULL;
    u->next = p->doomed;
    p->doomed = u;
}

struct uplink *pool_take(struct pool *p, const struct plan_target *target, uint64_t now_us)
{
    struct shelf *shelf = shelf_of(p, target);
    while (shelf != NULL && shelf->first != NULL) {
        struct uplink *u = shelf->first;
        unshelve(p, shelf, u);
        if (now_us < u->idle_until_us)
            return u;
        doom(p, u); /* its server may be closing it at this moment, and a request that cannot run twice would be lost */
    }
    return NULL;
}

void pool_put(struct pool *p, struct uplink *u, uint64_t now_us)
{
    struct shelf *shelf = shelf_of(p, u->target);
    const struct config_upstream *conf = u->target->upstream->conf;
    if (shelf == NULL || shelf->n >= conf->pool_max || u->keep_us == 0) {
        doom(p, u);
        return;
    }
    u->exchange = NULL;
    u->idle_until_us = now_us + (u->keep_us < conf->pool_idle_ms * 1000 ? u->keep_us : conf->pool_idle_ms * 1000);
    u->prev = NULL;
    u->next = shelf->first;
    if (shelf->first != NULL)
        shelf->first->prev = u;
    else
        shelf->last = u;
    shelf->first = u;
    shelf->n++;
    p->n_idle++;
}

void pool_doom(struct pool *p, struct uplink *u)
{
    struct shelf *shelf = shelf_of(p, u->target);
    bool shelved = u->exchange == NULL && shelf != NULL && (u->prev != NULL || u->next != NULL || shelf->first == u);
    if (shelved)
        unshelve(p, shelf, u);
    doom(p, u);
}

void pool_doom_all(struct pool *p)
{
    for (size_t i = 0; i < p->n_targets; i++) {
        while (p->shelves[i].first != NULL)
            pool_doom(p, p->shelves[i].first);
    }
}

size_t pool_expire(struct pool *p, uint64_t now_us)
{
    size_t gone = 0;
    for (size_t i = 0; p->n_idle > 0 && i < p->n_targets; i++) {
        for (struct uplink *u = p->shelves[i].first, *next; u != NULL; u = next) {
            next = u->next;
            if (now_us < u->idle_until_us)
                continue;
            pool_doom(p, u);
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
        pool_doom(p, shelf->last);
    shelf->unused_before -= gone < shelf->unused_before ? gone : shelf->unused_before;
}

void pool_trim(struct pool *p)
{
    bool window_ends = ++p->trims % POOL_WINDOW == 0;
    for (size_t i = 0; p->n_idle > 0 && i < p->n_targets; i++) {
        struct shelf *shelf = &p->shelves[i];
        trim(p, shelf);
        if (!window_ends)
            continue;
        shelf->unused_before = shelf->unused;
        shelf->unused = shelf->n;
    }
}

struct uplink *pool_next_doomed(struct pool *p)
{
    struct uplink *u = p->doomed;
    if (u != NULL) {
        p->doomed = u->next;
        u->next = NULL;
    }
    return u;
}

size_t pool_idle_count(const struct pool *p)
{
    return p->n_idle;
}
