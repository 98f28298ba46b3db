/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/crl_shelf.h"

#include <stdlib.h>
#include <string.h>
#include <threads.h>

struct place {
    char *trust, *url;
    struct bytes list;
};

struct crl_shelf {
    mtx_t busy; /* also held for a copy: only threads that load wait for it, and the loop at the end of a reload */
    struct place *places;
    size_t n;
};

static struct place *find(struct crl_shelf *shelf, const char *trust, const char *url)
{
    for (size_t i = 0; i < shelf->n; i++)
        if (strcmp(shelf->places[i].trust, trust) == 0 && strcmp(shelf->places[i].url, url) == 0)
            return &shelf->places[i];
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

struct crl_shelf *crl_shelf_new(void)
{
    struct crl_shelf *shelf = calloc(1, sizeof(*shelf));
    if (shelf != NULL && mtx_init(&shelf->busy, mtx_plain) == thrd_success)
        return shelf;
    free(shelf);
    return NULL;
}

void crl_shelf_free(struct crl_shelf *shelf)
{
    if (shelf == NULL)
        return;
    for (size_t i = 0; i < shelf->n; i++)
        clear_place(&shelf->places[i]);
    free(shelf->places);
    mtx_destroy(&shelf->busy);
    free(shelf);
}

static int add_place(struct crl_shelf *shelf, const struct place *place)
{
    struct place *more = realloc(shelf->places, (shelf->n + 1) * sizeof(*more));
    if (more == NULL)
        return -1;
    shelf->places = more;
    shelf->places[shelf->n++] = *place;
    return 0;
}

int crl_shelf_put(struct crl_shelf *shelf, const char *trust, const char *url, struct span list)
{
    struct place fresh = {.trust = strdup(trust), .url = strdup(url)};
    int rc = copy(&fresh.list, list);
    if (fresh.trust == NULL || fresh.url == NULL)
        rc = -1;
    mtx_lock(&shelf->busy);
    struct place *known = rc == 0 ? find(shelf, trust, url) : NULL;
    if (known != NULL) {
        bytes_clear(&known->list);
        bytes_take(&fresh.list, &known->list);
    } else if (rc == 0 && (rc = add_place(shelf, &fresh)) == 0) {
        fresh = (struct place){0};
    }
    mtx_unlock(&shelf->busy);
    clear_place(&fresh);
    return rc;
}

void crl_shelf_keep(struct crl_shelf *shelf, crl_shelf_wanted_fn wanted, void *ctx)
{
    size_t kept = 0;
    mtx_lock(&shelf->busy);
    for (size_t i = 0; i < shelf->n; i++) {
        if (wanted(ctx, shelf->places[i].trust, shelf->places[i].url))
            shelf->places[kept++] = shelf->places[i];
        else
            clear_place(&shelf->places[i]);
    }
    shelf->n = kept;
    mtx_unlock(&shelf->busy);
}

int crl_shelf_get(struct crl_shelf *shelf, const char *trust, const char *url, struct bytes *list)
{
    int rc = 0;
    bytes_init(list, 0);
    if (shelf == NULL)
        return 0;
    mtx_lock(&shelf->busy);
    const struct place *place = find(shelf, trust, url);
    if (place != NULL)
        rc = copy(list, bytes_span(&place->list));
    mtx_unlock(&shelf->busy);
    return rc;
}
