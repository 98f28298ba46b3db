/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/gather.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FEW_PARTS = 4, PARTS = 60, SHORT = 1024 };

void gather_init(struct gather *g, size_t max)
{
    *g = (struct gather){0};
    bytes_init(&g->own, max);
}

static void drop_parts(struct gather *g)
{
    if (g->parts != &g->one)
        free(g->parts);
    g->parts = NULL;
    g->n_parts = g->cap_parts = 0;
}

void gather_clear(struct gather *g)
{
    bytes_clear(&g->own);
    drop_parts(g);
    g->total = 0;
}

static struct gather_part *last_part(struct gather *g)
{
    return g->n_parts > 0 ? &g->parts[g->n_parts - 1] : NULL;
}

/* Room for one more part; without it the content goes on in one piece. */
static bool has_part(struct gather *g)
{
    if (g->n_parts < g->cap_parts)
        return true;
    bool few = g->parts == NULL || g->parts == &g->one;
    unsigned cap = few ? FEW_PARTS : PARTS;
    struct gather_part *parts = cap > g->n_parts ? realloc(few ? NULL : g->parts, cap * sizeof(*parts)) : NULL;
    if (parts == NULL)
        return false;
    if (g->parts == &g->one)
        parts[0] = g->one;
    g->parts = parts;
    g->cap_parts = cap;
    return true;
}

int gather_copy(struct gather *g, struct span s)
{
    if (s.len == 0)
        return 0;
    struct gather_part *last = last_part(g);
    if (g->parts != NULL && (last == NULL || last->borrowed != NULL)) {
        if (!has_part(g) && gather_settle(g) != 0)
            return -1;
        if (g->parts != NULL)
            g->parts[g->n_parts++] = (struct gather_part){0};
    }
    if (bytes_append_span(&g->own, s) != 0)
        return -1;
    if (g->parts != NULL)
        last_part(g)->len += s.len;
    g->total += s.len;
    return 0;
}

int gather_take(struct gather *g, struct bytes *b, struct block_cache *blocks)
{
    if (g->total == 0) {
        bytes_take(b, &g->own);
        g->total = g->own.len;
        return 0;
    }
    int rc = gather_copy(g, bytes_span(b));
    if (blocks != NULL)
        block_cache_take_back(blocks, b);
    else
        bytes_clear(b);
    return rc;
}

/* A short body behind its head, whose memory has room to spare: the copy costs less than a part to remember and a second run to send. */
static bool fits_behind(const struct gather *g, struct span s)
{
    return g->parts == NULL && g->own.len > 0 && s.len <= SHORT && s.len <= g->own.cap - g->own.head - g->own.len;
}

int gather_borrow(struct gather *g, struct span s)
{
    if (s.len == 0)
        return 0;
    bool first = g->parts == NULL;
    if (g->total == 0) { /* a body with nothing before it, as all of a tcp connection is */
        g->parts = &g->one;
        g->cap_parts = 1;
    }
    if (fits_behind(g, s) || !has_part(g))
        return gather_copy(g, s);
    if (first && g->own.len > 0)
        g->parts[g->n_parts++] = (struct gather_part){NULL, g->own.len};
    g->parts[g->n_parts++] = (struct gather_part){s.ptr, s.len};
    g->total += s.len;
    return 0;
}

size_t gather_runs(const struct gather *g, struct span *runs, size_t max)
{
    struct span own = bytes_span(&g->own);
    if (g->parts == NULL) {
        if (own.len == 0 || max == 0)
            return 0;
        runs[0] = own;
        return 1;
    }
    size_t n = 0;
    for (; n < g->n_parts && n < max; n++) {
        const struct gather_part *part = &g->parts[n];
        runs[n] = span_of(part->borrowed != NULL ? part->borrowed : own.ptr, part->len);
        if (part->borrowed == NULL)
            own = span_skip(own, part->len);
    }
    return n;
}

static void consume_parts(struct gather *g, size_t n)
{
    size_t gone = 0;
    while (n > 0) {
        struct gather_part *part = &g->parts[gone];
        size_t step = n < part->len ? n : part->len;
        if (part->borrowed != NULL)
            part->borrowed += step;
        else
            bytes_consume(&g->own, step);
        part->len -= step;
        n -= step;
        if (part->len == 0)
            gone++;
    }
    g->n_parts -= (unsigned)gone;
    memmove(g->parts, g->parts + gone, g->n_parts * sizeof(*g->parts));
}

void gather_consume(struct gather *g, size_t n)
{
    assert(n <= g->total);
    if (g->parts == NULL)
        bytes_consume(&g->own, n);
    else
        consume_parts(g, n);
    g->total -= n;
    if (g->total == 0)
        gather_clear(g);
}

void gather_consume_lent(struct gather *g, size_t n, struct block_cache *blocks)
{
    if (blocks == NULL || g->parts != NULL || n < g->total) {
        gather_consume(g, n);
        return;
    }
    assert(n == g->total);
    block_cache_take_back(blocks, &g->own);
    g->total = 0;
}

int gather_join(struct gather *g)
{
    struct bytes whole;
    bytes_init(&whole, g->own.max);
    struct span runs[PARTS];
    size_t n = gather_runs(g, runs, PARTS);
    for (size_t i = 0; i < n; i++) {
        if (bytes_append_span(&whole, runs[i]) != 0) {
            bytes_clear(&whole);
            return -1;
        }
    }
    bytes_clear(&g->own);
    drop_parts(g);
    g->own = whole;
    return 0;
}
