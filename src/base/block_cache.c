/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/block_cache.h"

#include <stdlib.h>
#include <string.h>

void block_cache_init(struct block_cache *c, size_t bytes, unsigned most)
{
    *c = (struct block_cache){.bytes = bytes, .most = most};
}

void block_cache_clear(struct block_cache *c)
{
    for (void *block; (block = c->first) != NULL;) {
        memcpy(&c->first, block, sizeof(c->first));
        free(block);
    }
    c->n = 0;
}

void *block_cache_take(struct block_cache *c, size_t size)
{
    void *block = c->first;
    if (block == NULL || size > c->bytes)
        return malloc(c->most > 0 && size < c->bytes ? c->bytes : size);
    memcpy(&c->first, block, sizeof(c->first));
    c->n--;
    return block;
}

void block_cache_give(struct block_cache *c, void *block, size_t size)
{
    if (block == NULL)
        return;
    if (size > c->bytes || c->n >= c->most) {
        free(block);
        return;
    }
    memcpy(block, &c->first, sizeof(c->first));
    c->first = block;
    c->n++;
}

int block_cache_lend(struct block_cache *c, struct bytes *b)
{
    b->data = block_cache_take(c, BLOCK_CACHE_BYTES);
    b->cap = b->data != NULL ? BLOCK_CACHE_BYTES : 0;
    return b->data != NULL ? 0 : -1;
}

void block_cache_take_back(struct block_cache *c, struct bytes *b)
{
    if (b->cap == BLOCK_CACHE_BYTES) {
        block_cache_give(c, b->data, BLOCK_CACHE_BYTES);
        b->data = NULL;
    }
    bytes_clear(b);
}
