/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/balancer.h"

#include "mtlsd/policy/balance.h"

#include <stdlib.h>
#include <string.h>

enum {
    TRIED_BITS = 64,
    CHOICES_MAX = 8,              /* that lose a turn to another worker; then both go there */
    RETRY_COSTS = 5,              /* a request earns 1: one in five may be sent again */
    CREDIT_MAX = 10 * RETRY_COSTS /* and that many at once, also at the start */
};

struct balancer {
    const struct plan_upstream *upstreams; /* borrowed: identifies the snapshot */
    size_t n;
    const struct plan_target *targets; /* of all upstreams */
    size_t n_targets;
    struct target_state *target_state;           /* borrowed */
    struct balance_entry *entries;               /* one per target: for one choice, but for what the configuration says */
    unsigned *credit;                            /* one per upstream */
};

static void fill_entries(struct balancer *f)
{
    for (size_t i = 0; i < f->n_targets; i++) {
        const struct config_target *conf = f->targets[i].conf;
        f->entries[i] = (struct balance_entry){
            .backup = conf->backup,
            .hash = balance_hash(conf->text, strlen(conf->text)),
        };
    }
    for (size_t i = 0; i < f->n; i++)
        f->credit[i] = CREDIT_MAX;
}

struct balancer *balancer_new(const struct plan_upstream *upstreams, size_t n, struct target_state *target_state)
{
    struct balancer *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return NULL;
    f->upstreams = upstreams;
    f->n = n;
    f->target_state = target_state;
    f->targets = n > 0 ? upstreams[0].targets : NULL;
    for (size_t i = 0; i < n; i++)
        f->n_targets += upstreams[i].n_targets;
    f->entries = calloc(f->n_targets + 1, sizeof(*f->entries));
    f->credit = calloc(n + 1, sizeof(*f->credit));
    if (f->entries == NULL || f->credit == NULL) {
        balancer_free(f);
        return NULL;
    }
    fill_entries(f);
    return f;
}

void balancer_free(struct balancer *f)
{
    if (f == NULL)
        return;
    free(f->entries);
    free(f->credit);
    free(f);
}

/* A connection from before a reload may still ask about targets of the old snapshot, which are unknown here. */
static bool knows(const struct balancer *f, const struct plan_target *t)
{
    return t->index < f->n_targets && t == &f->targets[t->index];
}

static bool knows_upstream(const struct balancer *f, const struct plan_upstream *up)
{
    return up->index < f->n && up == &f->upstreams[up->index];
}

/* ---- choosing ---- */

struct choice {
    const struct balancer_wish *wish;
    enum config_balance how;
    uint64_t now_us;
};

static bool is_tried(uint64_t tried, size_t i)
{
    return i < TRIED_BITS ? (tried >> i & 1) != 0 : tried != 0;
}

static bool is_held(const struct balancer *f, size_t index, uint64_t now_us)
{
    return target_state_held_until(f->target_state, index) > now_us;
}

static bool may_begin(const struct balancer *f, size_t index)
{
    return !target_state_is_down(f->target_state, index) && target_state_mode(f->target_state, index) == TARGET_ENABLED;
}

/* A session stays where it is while an operator drains the target: that is what draining, and not stopping, is for. */
static const struct plan_target *keep_session(const struct balancer *f, const struct plan_upstream *up, const struct balancer_wish *wish, uint64_t now_us)
{
    const struct plan_target *t = wish->sticky;
    if (t == NULL || t->upstream != up || is_tried(wish->tried, (size_t)(t - up->targets)))
        return NULL;
    bool gone = target_state_is_down(f->target_state, t->index) || target_state_mode(f->target_state, t->index) == TARGET_DISABLED;
    return gone || is_held(f, t->index, now_us) ? NULL : t;
}

/* All usable targets failed lately: one must be tried. */
static const struct plan_target *soonest_of_the_held(const struct balancer *f, const struct plan_upstream *up, uint64_t tried)
{
    const struct plan_target *best = NULL;
    uint64_t soonest = UINT64_MAX;
    for (size_t i = 0; i < up->n_targets; i++) {
        const struct plan_target *t = &up->targets[i];
        uint64_t until = target_state_held_until(f->target_state, t->index);
        if (is_tried(tried, i) || !may_begin(f, t->index) || until >= soonest)
            continue;
        best = t;
        soonest = until;
    }
    return best;
}

static const struct plan_target *first_untried(const struct plan_upstream *up, uint64_t tried)
{
    for (size_t i = 0; i < up->n_targets; i++) {
        if (!is_tried(tried, i))
            return &up->targets[i];
    }
    return NULL;
}

static unsigned weight_of(unsigned by_hand, const struct plan_target *t)
{
    unsigned weight = by_hand > 0 ? by_hand : t->conf->weight;
    return weight > 0 ? weight : 1;
}

unsigned balancer_weight(const struct target_state *target_state, const struct plan_target *t)
{
    return weight_of(target_state_weight(target_state, t->index), t);
}

static bool counts_active(const struct plan_upstream *up)
{
    return up->n_targets > 1 && (up->conf->balance == CONFIG_BALANCE_LEAST_CONN || up->conf->balance == CONFIG_BALANCE_RANDOM);
}

static bool takes_turns(enum config_balance how)
{
    return how == CONFIG_BALANCE_ROUND_ROBIN || how == CONFIG_BALANCE_LEAST_CONN;
}

static void look(struct balancer *f, const struct plan_upstream *up, const struct choice *c)
{
    size_t first = up->targets[0].index;
    bool turns = takes_turns(c->how);
    uint64_t last = turns ? target_state_last_turn(f->target_state, first) : 0;
    struct target_seen seen;
    for (size_t i = 0; i < up->n_targets; i++) {
        struct balance_entry *e = &f->entries[first + i];
        target_state_look(f->target_state, first + i, &seen);
        e->usable = !is_tried(c->wish->tried, i) && seen.takes_new && seen.held_until <= c->now_us;
        e->weight = weight_of(seen.weight, &up->targets[i]);
        e->active = seen.active;
        e->next_turn = seen.next_turn;
        e->turn = turns ? balance_turn(e, i, up->n_targets, last) : 0;
    }
}

/* False: another worker took the turn that was seen as free, so that what was seen has changed. */
static bool choose_once(struct balancer *f, const struct plan_upstream *up, const struct choice *c, const struct plan_target **t)
{
    size_t first = up->targets[0].index;
    look(f, up, c);
    size_t chosen = balance_choose(c->how, &f->entries[first], up->n_targets, c->wish->key, c->wish->number);
    *t = chosen != BALANCE_NONE ? &up->targets[chosen] : NULL;
    if (chosen == BALANCE_NONE || !takes_turns(c->how))
        return true;
    const struct balance_entry *e = &f->entries[first + chosen];
    if (!target_state_take_turn(f->target_state, first + chosen, e->next_turn, balance_next_turn(e->turn, e->weight)))
        return false;
    target_state_set_last_turn(f->target_state, first, e->turn);
    return true;
}

const struct plan_target *balancer_choose(struct balancer *f, const struct plan_upstream *up, const struct balancer_wish *wish, uint64_t now_us)
{
    if (!knows_upstream(f, up))
        return first_untried(up, wish->tried);
    size_t first = up->targets[0].index;
    const struct plan_target *kept = keep_session(f, up, wish, now_us);
    if (kept != NULL)
        return kept;
    if (up->n_targets == 1)
        return is_tried(wish->tried, 0) || target_state_mode(f->target_state, first) != TARGET_ENABLED ? NULL : &up->targets[0];
    const struct choice choice = {wish, wish->by_key ? CONFIG_BALANCE_HASH : up->conf->balance, now_us};
    const struct plan_target *t = NULL;
    for (unsigned i = 0; i < CHOICES_MAX && !choose_once(f, up, &choice, &t); i++) { }
    return t != NULL ? t : soonest_of_the_held(f, up, wish->tried);
}

/* ---- what became of it ---- */

void balancer_begin(struct balancer *f, const struct plan_target *t)
{
    if (knows(f, t) && counts_active(t->upstream))
        target_state_begin(f->target_state, t->index);
}

void balancer_end(struct balancer *f, const struct plan_target *t)
{
    if (knows(f, t) && counts_active(t->upstream))
        target_state_end(f->target_state, t->index);
}

void balancer_failed(struct balancer *f, const struct plan_target *t, uint64_t now_us)
{
    if (knows(f, t) && t->upstream->conf->retry_after_ms > 0)
        target_state_hold(f->target_state, t->index, now_us + t->upstream->conf->retry_after_ms * 1000);
}

void balancer_worked(struct balancer *f, const struct plan_target *t)
{
    if (knows(f, t) && target_state_held_until(f->target_state, t->index) != 0)
        target_state_hold(f->target_state, t->index, 0);
}

/* ---- the budget ---- */

void balancer_earn(struct balancer *f, const struct plan_upstream *up)
{
    if (knows_upstream(f, up) && f->credit[up->index] < CREDIT_MAX)
        f->credit[up->index]++;
}

bool balancer_spend(struct balancer *f, const struct plan_upstream *up)
{
    if (!knows_upstream(f, up) || f->credit[up->index] < RETRY_COSTS)
        return false;
    f->credit[up->index] -= RETRY_COSTS;
    return true;
}
