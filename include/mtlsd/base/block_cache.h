/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of memory that are needed for each request and given back soon: some are kept for the next request. The one given back last is taken first, and is
 * probably still in the processor's cache. The allocator keeps seven of a size and then merges and splits what it gets, which costs more than the
 * request's own work with the block. All zero: an empty cache that keeps nothing.
 */
#ifndef MTLSD_BASE_BLOCK_CACHE_H
#define MTLSD_BASE_BLOCK_CACHE_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/bytes.h"

#include <stddef.h>

enum { BLOCK_CACHE_BYTES = 1024 }; /* of a block that is lent */

struct block_cache {
    void *first; /* owned: those that are kept; each begins with a pointer to the next */
    size_t bytes; /* of a block; longer ones are not kept */
    unsigned n, most;
};

/* most: so many are kept. */
void block_cache_init(struct block_cache *c, size_t bytes, unsigned most);
void block_cache_clear(struct block_cache *c);
/* At least size bytes, not set to anything. NULL: out of memory. */
void *block_cache_take(struct block_cache *c, size_t size);
/* size: as it was taken. block NULL: nothing. */
void block_cache_give(struct block_cache *c, void *block, size_t size);
/* A block for bytes that own nothing yet; they may grow beyond it, and bytes_clear frees it like any other memory. -1: out of memory. */
MUST_CHECK int block_cache_lend(struct block_cache *c, struct bytes *b);
/* As bytes_clear, but takes back what was lent. */
void block_cache_take_back(struct block_cache *c, struct bytes *b);

#endif
