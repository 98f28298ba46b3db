/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/crl_shelf.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct crl_body {
    atomic_uint refs;
    size_t len;
    uint8_t bytes[];
};

struct place {
    char *trust, *url;
    struct crl_body *body;
};

struct crl_shelf {
    atomic_flag busy; /* held for a search, never for a copy */
    struct place *places;
    size_t n;
};

static void lock(struct crl_shelf *shelf)
{
    while (atomic_flag_test_and_set_explicit(&shelf->busy, memory_order_acquire)) {
    }
}

static void unlock(struct crl_shelf *shelf)
{
    atomic_flag_clear_explicit(&shelf->busy, memory_order_release);
}

static struct place *find(struct crl_shelf *shelf, const char *trust, const char *url)
{
    for (size_t i = 0; i < shelf->n; i++)
        if (strcmp(shelf->places[i].trust, trust) == 0 && strcmp(shelf->places[i].url, url) == 0)
            return &shelf->places[i];
    return NULL;
}

struct crl_shelf *crl_shelf_new(void)
{
    struct crl_shelf *shelf = calloc(1, sizeof(*shelf));
    if (shelf != NULL)
        atomic_flag_clear(&shelf->busy);
    return shelf;
}

void crl_shelf_free(struct crl_shelf *shelf)
{
    for (size_t i = 0; shelf != NULL && i < shelf->n; i++) {
        free(shelf->places[i].trust);
        free(shelf->places[i].url);
        crl_shelf_give(shelf->places[i].body);
    }
    if (shelf != NULL)
        free(shelf->places);
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

static void drop(struct place *fresh)
{
    free(fresh->trust);
    free(fresh->url);
    crl_shelf_give(fresh->body);
}

int crl_shelf_put(struct crl_shelf *shelf, const char *trust, const char *url, struct span list)
{
    struct place fresh = {strdup(trust), strdup(url), malloc(sizeof(struct crl_body) + list.len)};
    if (fresh.body != NULL) {
        atomic_init(&fresh.body->refs, 1);
        fresh.body->len = list.len;
        if (list.len > 0)
            memcpy(fresh.body->bytes, list.ptr, list.len);
    }
    if (fresh.trust == NULL || fresh.url == NULL || fresh.body == NULL) {
        drop(&fresh);
        return -1;
    }
    lock(shelf);
    struct place *known = find(shelf, trust, url);
    int rc = 0;
    if (known == NULL && (rc = add_place(shelf, &fresh)) == 0) {
        fresh = (struct place){0};
    } else if (known != NULL) {
        struct crl_body *old = known->body;
        known->body = fresh.body;
        fresh.body = old;
    }
    unlock(shelf);
    drop(&fresh);
    return rc;
}

/* True: there was one, and it is out. */
static bool take_out_unwanted(struct crl_shelf *shelf, crl_shelf_wanted_fn wanted, void *ctx, struct place *out)
{
    bool found = false;
    lock(shelf);
    for (size_t i = 0; i < shelf->n && !found; i++) {
        found = !wanted(ctx, shelf->places[i].trust, shelf->places[i].url);
        if (!found)
            continue;
        *out = shelf->places[i];
        shelf->places[i] = shelf->places[--shelf->n];
    }
    unlock(shelf);
    return found;
}

void crl_shelf_keep(struct crl_shelf *shelf, crl_shelf_wanted_fn wanted, void *ctx)
{
    struct place unwanted;
    while (take_out_unwanted(shelf, wanted, ctx, &unwanted))
        drop(&unwanted);
}

struct crl_body *crl_shelf_take(struct crl_shelf *shelf, const char *trust, const char *url)
{
    if (shelf == NULL)
        return NULL;
    lock(shelf);
    struct place *place = find(shelf, trust, url);
    struct crl_body *body = place != NULL ? place->body : NULL;
    if (body != NULL)
        atomic_fetch_add(&body->refs, 1);
    unlock(shelf);
    return body;
}

struct span crl_shelf_text(const struct crl_body *body)
{
    return span_of(body->bytes, body->len);
}

void crl_shelf_give(struct crl_body *body)
{
    if (body != NULL && atomic_fetch_sub(&body->refs, 1) == 1)
        free(body);
}
