/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/crl_cache.h"

#include <stdlib.h>
#include <string.h>
#include <threads.h>

struct place {
    char *trust, *url;
    struct bytes list;
};

struct crl_cache {
    mtx_t busy; /* also held for a copy: only threads that load wait for it, and the loop at the end of a reload */
    struct place *places;
    size_t n;
};

static struct place *find(struct crl_cache *cache, const char *trust, const char *url)
{
    for (size_t i = 0; i < cache->n; i++)
        if (strcmp(cache->places[i].trust, trust) == 0 && strcmp(cache->places[i].url, url) == 0)
            return &cache->places[i];
    return NULL;
}

static void clear_place(struct place *place)
{
    free(place->trust);
    free(place->url);
    bytes_clear(&place->list);
}

static int copy(struct bytes *out, struct span list)
{
    bytes_init(out, list.len);
    return bytes_append_span(out, list);
}

struct crl_cache *crl_cache_new(void)
{
    struct crl_cache *cache = calloc(1, sizeof(*cache));
    if (cache != NULL && mtx_init(&cache->busy, mtx_plain) == thrd_success)
        return cache;
    free(cache);
    return NULL;
}

void crl_cache_free(struct crl_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < cache->n; i++)
        clear_place(&cache->places[i]);
    free(cache->places);
    mtx_destroy(&cache->busy);
    free(cache);
}

static int add_place(struct crl_cache *cache, const struct place *place)
{
    struct place *more = realloc(cache->places, (cache->n + 1) * sizeof(*more));
    if (more == NULL)
        return -1;
    cache->places = more;
    cache->places[cache->n++] = *place;
    return 0;
}

int crl_cache_put(struct crl_cache *cache, const char *trust, const char *url, struct span list)
{
    struct place fresh = {.trust = strdup(trust), .url = strdup(url)};
    int rc = copy(&fresh.list, list);
    if (fresh.trust == NULL || fresh.url == NULL)
        rc = -1;
    mtx_lock(&cache->busy);
    struct place *known = rc == 0 ? find(cache, trust, url) : NULL;
    if (known != NULL) {
        bytes_clear(&known->list);
        bytes_take(&fresh.list, &known->list);
    } else if (rc == 0 && (rc = add_place(cache, &fresh)) == 0) {
        fresh = (struct place){0};
    }
    mtx_unlock(&cache->busy);
    clear_place(&fresh);
    return rc;
}

void crl_cache_keep(struct crl_cache *cache, crl_cache_wanted_fn wanted, void *ctx)
{
    size_t kept = 0;
    mtx_lock(&cache->busy);
    for (size_t i = 0; i < cache->n; i++) {
        if (wanted(ctx, cache->places[i].trust, cache->places[i].url))
            cache->places[kept++] = cache->places[i];
        else
            clear_place(&cache->places[i]);
    }
    cache->n = kept;
    mtx_unlock(&cache->busy);
}

int crl_cache_get(struct crl_cache *cache, const char *trust, const char *url, struct bytes *list)
{
    int rc = 0;
    bytes_init(list, 0);
    if (cache == NULL)
        return 0;
    mtx_lock(&cache->busy);
    const struct place *place = find(cache, trust, url);
    if (place != NULL)
        rc = copy(list, bytes_span(&place->list));
    mtx_unlock(&cache->busy);
    return rc;
}
