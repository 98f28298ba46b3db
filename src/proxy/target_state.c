/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/target_state.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

struct slot { /* each word stands for itself, so no order between them is needed */
    atomic_uint_least64_t held_until;
    atomic_uint_least64_t next_turn, last_turn;
    atomic_uint active, weight;
    atomic_uchar mode;
    atomic_bool down;
    _Atomic(const char *) staple_fault; /* with the first target of an upstream */
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
        struct slot *slot = &b->slots[i];
        atomic_init(&slot->held_until, 0);
        atomic_init(&slot->next_turn, 0);
        atomic_init(&slot->last_turn, 0);
        atomic_init(&slot->active, 0);
        atomic_init(&slot->weight, 0);
        atomic_init(&slot->mode, TARGET_ENABLED);
        atomic_init(&slot->down, false);
        atomic_init(&slot->staple_fault, NULL);
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

void target_state_set_mode(struct target_state *b, size_t target, enum target_mode mode)
{
    atomic_store_explicit(&slot_of(b, target)->mode, (unsigned char)mode, memory_order_relaxed);
}

enum target_mode target_state_mode(const struct target_state *b, size_t target)
{
    return (enum target_mode)atomic_load_explicit(&look_at(b, target)->mode, memory_order_relaxed);
}

void target_state_set_weight(struct target_state *b, size_t target, unsigned weight)
{
    atomic_store_explicit(&slot_of(b, target)->weight, weight, memory_order_relaxed);
}

unsigned target_state_weight(const struct target_state *b, size_t target)
{
    return atomic_load_explicit(&look_at(b, target)->weight, memory_order_relaxed);
}

void target_state_begin(struct target_state *b, size_t target)
{
    atomic_fetch_add_explicit(&slot_of(b, target)->active, 1, memory_order_relaxed);
}

void target_state_end(struct target_state *b, size_t target)
{
    unsigned before = atomic_fetch_sub_explicit(&slot_of(b, target)->active, 1, memory_order_relaxed);
    assert(before > 0);
}

unsigned target_state_active(const struct target_state *b, size_t target)
{
    return atomic_load_explicit(&look_at(b, target)->active, memory_order_relaxed);
}

void target_state_look(const struct target_state *b, size_t target, struct target_seen *seen)
{
    const struct slot *s = look_at(b, target);
    seen->held_until = atomic_load_explicit(&s->held_until, memory_order_relaxed);
    seen->next_turn = atomic_load_explicit(&s->next_turn, memory_order_relaxed);
    seen->active = atomic_load_explicit(&s->active, memory_order_relaxed);
    seen->weight = atomic_load_explicit(&s->weight, memory_order_relaxed);
    seen->takes_new = atomic_load_explicit(&s->mode, memory_order_relaxed) == TARGET_ENABLED && !atomic_load_explicit(&s->down, memory_order_relaxed);
}

uint64_t target_state_next_turn(const struct target_state *b, size_t target)
{
    return atomic_load_explicit(&look_at(b, target)->next_turn, memory_order_relaxed);
}

bool target_state_take_turn(struct target_state *b, size_t target, uint64_t seen, uint64_t next)
{
    uint_least64_t expected = seen;
    return atomic_compare_exchange_strong_explicit(&slot_of(b, target)->next_turn, &expected, next, memory_order_relaxed, memory_order_relaxed);
}

uint64_t target_state_last_turn(const struct target_state *b, size_t first_target)
{
    return atomic_load_explicit(&look_at(b, first_target)->last_turn, memory_order_relaxed);
}

void target_state_set_last_turn(struct target_state *b, size_t first_target, uint64_t turn)
{
    atomic_store_explicit(&slot_of(b, first_target)->last_turn, turn, memory_order_relaxed);
}

bool target_state_note_staple(struct target_state *b, size_t first_target, const char *fault)
{
    return atomic_exchange_explicit(&slot_of(b, first_target)->staple_fault, fault, memory_order_relaxed) == NULL;
}

const char *target_state_staple_fault(const struct target_state *b, size_t first_target)
{
    return atomic_load_explicit(&look_at(b, first_target)->staple_fault, memory_order_relaxed);
}

void target_state_take_over(struct target_state *b, size_t to, const struct target_state *other, size_t from)
{
    target_state_hold(b, to, target_state_held_until(other, from));
    target_state_set_down(b, to, target_state_is_down(other, from));
    target_state_set_mode(b, to, target_state_mode(other, from));
    target_state_set_weight(b, to, target_state_weight(other, from));
}
