/* SPDX-License-Identifier: Apache-2.0 */
#include "name_table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* FNV-1a over lower case. Colliding names gain little: the number of entries is bounded. */
static size_t bucket_of(const char *host)
{
    uint32_t h = 2166136261U;
    for (; *host != '\0'; host++) {
        uint32_t c = (uint8_t)*host;
        h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32 : c)) * 16777619U;
    }
    return h % NAME_BUCKETS;
}

static void take_from_ages(struct name_cache *c, struct name_entry *e)
{
    *(e->older != NULL ? &e->older->newer : &c->oldest) = e->newer;
    *(e->newer != NULL ? &e->newer->older : &c->newest) = e->older;
    e->older = e->newer = NULL;
}

static void put_newest(struct name_cache *c, struct name_entry *e)
{
    e->older = c->newest;
    *(c->newest != NULL ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

void name_table_touch(struct name_cache *c, struct name_entry *e)
{
    take_from_ages(c, e);
    put_newest(c, e);
}

void name_table_drop(struct name_cache *c, struct name_entry *e)
{
    struct name_entry **at = &c->buckets[bucket_of(e->host)];
    while (*at != e)
        at = &(*at)->in_bucket;
    *at = e->in_bucket;
    take_from_ages(c, e);
    c->n_entries--;
    free(e->items);
    free(e);
}

struct name_entry *name_table_find(struct name_cache *c, const char *host)
{
    struct name_entry *e = c->buckets[bucket_of(host)];
    while (e != NULL && strcasecmp(e->host, host) != 0)
        e = e->in_bucket;
    return e;
}

struct name_entry *name_table_add(struct name_cache *c, const char *host)
{
    struct name_entry *victim = c->n_entries >= NAME_ENTRIES_MAX ? c->oldest : NULL;
    while (victim != NULL && (victim->state != NAME_SETTLED || victim->n_told > 0))
        victim = victim->newer;
    if (victim != NULL)
        name_table_drop(c, victim);
    size_t n = strlen(host) + 1;
    struct name_entry *e = c->n_entries < NAME_ENTRIES_MAX ? calloc(1, sizeof(*e) + n) : NULL;
    if (e == NULL)
        return NULL;
    memcpy(e->host, host, n);
    struct name_entry **bucket = &c->buckets[bucket_of(host)];
    e->in_bucket = *bucket;
    *bucket = e;
    put_newest(c, e);
    c->n_entries++;
    return e;
}
