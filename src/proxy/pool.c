/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/pool.h"

#include <assert.h>
#include <stdlib.h>

struct shelf { /* idle connections to one target, used last first */
    struct uplink *first, *last;
    size_t n;
};

struct pool {
    const struct plan_target *targets; /* borrowed: identifies the snapshot */
    size_t n_targets;
    struct shelf *shelves;
    struct uplink *doomed;
    size_t n_idle;
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
    p->n_idle--;
}

struct uplink *pool_take(struct pool *p, const struct plan_target *target)
{
    struct shelf *shelf = shelf_of(p, target);
    if (shelf == NULL || shelf->first == NULL)
        return NULL;
    struct uplink *u = shelf->first;
    unshelve(p, shelf, u);
    return u;
}

static void doom(struct pool *p, struct uplink *u)
{
    u->exchange = NULL;
    u->prev = NULL;
    u->next = p->doomed;
    p->doomed = u;
}

void pool_put(struct pool *p, struct uplink *u, uint64_t now_us)
{
    struct shelf *shelf = shelf_of(p, u->target);
    if (shelf == NULL || shelf->n >= u->target->upstream->conf->pool_max) {
        doom(p, u);
        return;
    }
    u->exchange = NULL;
    u->idle_since_us = now_us;
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
        uint64_t keep_us = p->targets[i].upstream->conf->pool_idle_ms * 1000;
        struct shelf *shelf = &p->shelves[i];
        while (shelf->last != NULL && shelf->last->idle_since_us + keep_us <= now_us) {
            pool_doom(p, shelf->last);
            gone++;
        }
    }
    return gone;
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
