/* SPDX-License-Identifier: Apache-2.0 */
#include "config_cover.h"

#include <stdlib.h>
#include <string.h>

static bool host_covers(const char *wide, const char *narrow)
{
    if (strcmp(wide, narrow) == 0)
        return true;
    if (wide[0] != '*')
        return false;
    size_t suffix = strlen(wide + 1), n = strlen(narrow);
    return n > suffix && strcmp(narrow + n - suffix, wide + 1) == 0;
}

static bool any_host_covers(const struct config_strings *wide, const char *narrow)
{
    for (size_t i = 0; i < wide->n; i++)
        if (host_covers(wide->items[i], narrow))
            return true;
    return false;
}

bool config_cover_hosts(const struct config_strings *wide, const struct config_strings *narrow)
{
    for (size_t i = 0; i < narrow->n; i++)
        if (!any_host_covers(wide, narrow->items[i]))
            return wide->n == 0;
    return wide->n == 0 || narrow->n > 0;
}

/* The same segments, and perhaps more. Written alike: what only means the same is left to the reader. */
static bool path_covers(const char *wide, const char *narrow)
{
    if (wide == NULL || narrow == NULL)
        return wide == NULL;
    size_t n = strlen(wide);
    return strncmp(wide, narrow, n) == 0 && (narrow[n] == '\0' || narrow[n] == '/' || wide[n - 1] == '/');
}

static bool holds(const struct config_strings *list, const char *text)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}

static bool methods_cover(const struct config_strings *wide, const struct config_strings *narrow)
{
    for (size_t i = 0; i < narrow->n; i++)
        if (!holds(wide, narrow->items[i]) && !(strcmp(narrow->items[i], "HEAD") == 0 && holds(wide, "GET")))
            return wide->n == 0;
    return wide->n == 0 || narrow->n > 0;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_rule(const struct config_allow *a, const struct config_allow *b)
{
    return same_text(a->cn, b->cn) && same_text(a->ou, b->ou) && same_text(a->o, b->o) && same_text(a->dns, b->dns) &&
           same_text(a->uri, b->uri) && same_text(a->email, b->email) && same_text(a->ip, b->ip) && same_text(a->issuer, b->issuer) &&
           same_text(a->serial, b->serial) && same_text(a->fingerprint, b->fingerprint) && same_text(a->spki, b->spki);
}

bool config_cover_callers(const struct config_route *wide, const struct config_route *narrow)
{
    for (size_t i = 0; i < narrow->n_caller; i++) {
        bool found = wide->n_caller == 0;
        for (size_t k = 0; k < wide->n_caller; k++)
            found = found || same_rule(&wide->caller[k], &narrow->caller[i]);
        if (!found)
            return false;
    }
    return wide->n_caller == 0 || narrow->n_caller > 0;
}

/* A route without a status takes all that are possible. */
static uint64_t statuses(const struct config_route *route, uint64_t possible)
{
    return route->cert != 0 ? route->cert & possible : possible;
}

bool config_cover(const struct config_route *wide, const struct config_route *narrow, uint64_t possible)
{
    if (statuses(narrow, possible) == 0)
        return false; /* it gets nothing by itself */
    return config_cover_hosts(&wide->host, &narrow->host) && path_covers(wide->path, narrow->path) &&
           methods_cover(&wide->method, &narrow->method) && (statuses(narrow, possible) & ~statuses(wide, possible)) == 0 &&
           config_cover_callers(wide, narrow);
}

/* ---- many of them ---- */

struct entry {
    const char *host;
    const struct config_route *route;
};

struct config_cover_table {
    struct entry *exact; /* a row for each exact host of a route that has no other kind, by host and then by place */
    const struct config_route **wide; /* the rest: without a host, or with a "*." among them */
    size_t n_exact, n_wide;
};

static bool has_wildcard(const struct config_route *route)
{
    for (size_t i = 0; i < route->host.n; i++)
        if (route->host.items[i][0] == '*')
            return true;
    return false;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = strcmp(x->host, y->host);
    return order != 0 ? order : (x->route > y->route) - (x->route < y->route);
}

struct config_cover_table *config_cover_table_new(const struct config_route *routes, size_t n)
{
    size_t n_hosts = 0;
    for (size_t i = 0; i < n; i++)
        n_hosts += routes[i].host.n;
    struct config_cover_table *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return NULL;
    t->exact = malloc((n_hosts + 1) * sizeof(*t->exact));
    t->wide = malloc((n + 1) * sizeof(const struct config_route *));
    if (t->exact == NULL || t->wide == NULL) {
        config_cover_table_free(t);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        const struct config_route *route = &routes[i];
        if (route->host.n == 0 || has_wildcard(route))
            t->wide[t->n_wide++] = route;
        else
            for (size_t k = 0; k < route->host.n; k++)
                t->exact[t->n_exact++] = (struct entry){route->host.items[k], route};
    }
    qsort(t->exact, t->n_exact, sizeof(*t->exact), compare_entries);
    return t;
}

void config_cover_table_free(struct config_cover_table *t)
{
    if (t == NULL)
        return;
    free(t->exact);
    free((void *)t->wide);
    free(t);
}

static size_t first_of_host(const struct config_cover_table *t, const char *host)
{
    size_t low = 0, high = t->n_exact;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(t->exact[middle].host, host) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Who has exact hosts only and covers this one has its first host among them. */
static const struct config_route *exact_before(const struct config_cover_table *t, const struct config_route *place, const struct config_route *narrow,
                                               uint64_t possible)
{
    if (narrow->host.n == 0)
        return NULL;
    const char *host = narrow->host.items[0];
    for (size_t i = first_of_host(t, host); i < t->n_exact && strcmp(t->exact[i].host, host) == 0 && t->exact[i].route < place; i++)
        if (config_cover(t->exact[i].route, narrow, possible))
            return t->exact[i].route;
    return NULL;
}

const struct config_route *config_cover_table_before(const struct config_cover_table *t, const struct config_route *place, const struct config_route *narrow,
                                                     uint64_t possible)
{
    const struct config_route *found = exact_before(t, place, narrow, possible);
    for (size_t i = 0; i < t->n_wide && t->wide[i] < (found != NULL ? found : place); i++)
        if (config_cover(t->wide[i], narrow, possible))
            return t->wide[i];
    return found;
}
