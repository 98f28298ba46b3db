/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/target_state.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

struct slot { /* each word stands for itself, so no order between them is needed */
    atomic_uint_least64_t held_until;
    atomic_bool down, drained;
};

struct target_state {
    size_t n;
    struct slot slots[];
};

struct target_state *target_state_new(size_t n_targets)
{
    struct target_state *b = calloc(1, sizeof(*b) + n_targets * sizeof(b->slots[0]));
    if (b == NULL)
        return NULL;
    b->n = n_targets;
    for (size_t i = 0; i < n_targets; i++) {
        atomic_init(&b->slots[i].held_until, 0);
        atomic_init(&b->slots[i].down, false);
        atomic_init(&b->slots[i].drained, false);
    }
    return b;
}

void target_state_free(struct target_state *b)
{
    free(b);
}

static struct slot *slot_of(struct target_state *b, size_t target)
{
    assert(target < b->n);
    return &b->slots[target];
}

static const struct slot *look_at(const struct target_state *b, size_t target)
{
    assert(target < b->n);
    return &b->slots[target];
}

void target_state_hold(struct target_state *b, size_t target, uint64_t until_us)
{
    atomic_store_explicit(&slot_of(b, target)->held_until, until_us, memory_order_relaxed);
}

uint64_t target_state_held_until(const struct target_state *b, size_t target)
{
    return atomic_load_explicit(&look_at(b, target)->held_until, memory_order_relaxed);
}

void target_state_set_down(struct target_state *b, size_t target, bool down)
{
    atomic_store_explicit(&slot_of(b, target)->down, down, memory_order_relaxed);
}

bool target_state_is_down(const struct target_state *b, size_t target)
{
    return atomic_load_explicit(&look_at(b, target)->down, memory_order_relaxed);
}

void target_state_set_drained(struct target_state *b, size_t target, bool drained)
{
    atomic_store_explicit(&slot_of(b, target)->drained, drained, memory_order_relaxed);
}

bool target_state_is_drained(const struct target_state *b, size_t target)
{
    return atomic_load_explicit(&look_at(b, target)->drained, memory_order_relaxed);
}

void target_state_take_over(struct target_state *b, size_t to, const struct target_state *other, size_t from)
{
    target_state_hold(b, to, target_state_held_until(other, from));
    target_state_set_down(b, to, target_state_is_down(other, from));
    target_state_set_drained(b, to, target_state_is_drained(other, from));
}
