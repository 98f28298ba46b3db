/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/board.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

struct slot { /* each word stands for itself, so no order between them is needed */
    atomic_uint_least64_t held_until;
    atomic_bool down, drained;
};

struct board {
    size_t n;
    struct slot slots[];
};

struct board *board_new(size_t n_targets)
{
    struct board *b = calloc(1, sizeof(*b) + n_targets * sizeof(b->slots[0]));
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

void board_free(struct board *b)
{
    free(b);
}

static struct slot *slot_of(struct board *b, size_t target)
{
    assert(target < b->n);
    return &b->slots[target];
}

static const struct slot *look_at(const struct board *b, size_t target)
{
    assert(target < b->n);
    return &b->slots[target];
}

void board_hold(struct board *b, size_t target, uint64_t until_us)
{
    atomic_store_explicit(&slot_of(b, target)->held_until, until_us, memory_order_relaxed);
}

uint64_t board_held_until(const struct board *b, size_t target)
{
    return atomic_load_explicit(&look_at(b, target)->held_until, memory_order_relaxed);
}

void board_set_down(struct board *b, size_t target, bool down)
{
    atomic_store_explicit(&slot_of(b, target)->down, down, memory_order_relaxed);
}

bool board_is_down(const struct board *b, size_t target)
{
    return atomic_load_explicit(&look_at(b, target)->down, memory_order_relaxed);
}

void board_set_drained(struct board *b, size_t target, bool drained)
{
    atomic_store_explicit(&slot_of(b, target)->drained, drained, memory_order_relaxed);
}

bool board_is_drained(const struct board *b, size_t target)
{
    return atomic_load_explicit(&look_at(b, target)->drained, memory_order_relaxed);
}

void board_take_over(struct board *b, size_t to, const struct board *other, size_t from)
{
    board_hold(b, to, board_held_until(other, from));
    board_set_down(b, to, board_is_down(other, from));
    board_set_drained(b, to, board_is_drained(other, from));
}
