/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes to send in one direction: owned bytes and borrowed spans, in order. A body passes from the reader's buffer to the
 * writer's system call without a copy. Only a short piece is copied, to the owned bytes. Borrowed spans live for one turn
 * of the loop: gather_settle copies the unsent rest at its end. An empty gather owns no memory, nor does one with a single borrowed span.
 */
#ifndef MTLSD_BASE_GATHER_H
#define MTLSD_BASE_GATHER_H

#include "mtlsd/base/block_cache.h"
#include "mtlsd/base/bytes.h"

struct gather_part {
    const uint8_t *borrowed; /* NULL: the next len bytes of own */
    size_t len;
};

struct gather {
    struct bytes own;
    struct gather_part *parts; /* NULL: own alone is the content; &one; or owned */
    unsigned n_parts, cap_parts;
    size_t total;
    struct gather_part one;
};

void gather_init(struct gather *g, size_t max);
void gather_clear(struct gather *g);
MUST_CHECK int gather_copy(struct gather *g, struct span s);   /* bytes that do not outlive the call */
/* b is empty and owns nothing afterwards, with any result. Where it had to be copied, its memory goes back to blocks; NULL: to the allocator. */
MUST_CHECK int gather_take(struct gather *g, struct bytes *b, struct block_cache *blocks);
MUST_CHECK int gather_borrow(struct gather *g, struct span s); /* valid until gather_settle */
/* Up to max runs from the front, in order. */
size_t gather_runs(const struct gather *g, struct span *runs, size_t max);
void gather_consume(struct gather *g, size_t n);
/* The same; memory that may have been lent goes back to blocks. NULL: to the allocator. */
void gather_consume_lent(struct gather *g, size_t n, struct block_cache *blocks);
MUST_CHECK int gather_join(struct gather *g); /* all that it borrowed becomes its own */
MUST_CHECK static inline int gather_settle(struct gather *g)
{
    return g->parts != NULL ? gather_join(g) : 0;
}

#endif
