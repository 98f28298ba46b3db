/* SPDX-License-Identifier: Apache-2.0 */
#include "config_cover.h"

#include "mtlsd/config/config_rule.h"

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
    for (size_t i = 0; i < CONFIG_RULE_KEYS; i++)
        if (!same_text(config_rule_value(a, &config_rule_keys[i]), config_rule_value(b, &config_rule_keys[i])))
            return false;
    bool same = a->n_attribute == b->n_attribute;
    for (size_t i = 0; same && i < a->n_attribute; i++)
        same = same_text(a->attribute[i].name, b->attribute[i].name) && same_text(a->attribute[i].value, b->attribute[i].value);
    return same;
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

/* A route that covers another has the same first host, a pattern for it, or no host, and a beginning of its path, or no path. There are few of
 * them, so each is looked up: to compare ten thousand routes with each other takes seconds. */
struct entry {
    const char *host, *path; /* "": none */
    const struct config_route *route;
};

struct config_cover_table {
    struct entry *entries; /* one for each host of a route, sorted by all three */
    size_t n;
};

struct search {
    const struct config_cover_table *table;
    const struct config_route *narrow;
    uint64_t possible;
    const struct config_route *before; /* the first that covers narrow so far; until one is found, the end of the search */
    bool found;
};

struct key {
    bool star;        /* the host is "*" and then this text */
    const char *host;
    const char *path; /* the first path_len characters of it */
    size_t path_len;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = strcmp(x->host, y->host);
    if (order == 0)
        order = strcmp(x->path, y->path);
    return order != 0 ? order : (x->route > y->route) - (x->route < y->route);
}

static int compare_to_key(const struct entry *e, const struct key *key)
{
    int order = key->star ? (unsigned char)e->host[0] - '*' : 0;
    if (order == 0)
        order = strcmp(e->host + key->star, key->host);
    if (order == 0)
        order = strncmp(e->path, key->path, key->path_len);
    return order != 0 ? order : e->path[key->path_len] != '\0';
}

struct config_cover_table *config_cover_table_new(const struct config_route *routes, size_t n)
{
    size_t n_entries = 0;
    for (size_t i = 0; i < n; i++)
        n_entries += routes[i].host.n + 1;
    struct config_cover_table *t = calloc(1, sizeof(*t));
    struct entry *entries = calloc(n_entries + 1, sizeof(*entries));
    if (t == NULL || entries == NULL) {
        free(t);
        free(entries);
        return NULL;
    }
    t->entries = entries;
    for (size_t i = 0; i < n; i++) {
        const char *path = routes[i].path != NULL ? routes[i].path : "";
        for (size_t k = 0; k < routes[i].host.n; k++)
            entries[t->n++] = (struct entry){routes[i].host.items[k], path, &routes[i]};
        if (routes[i].host.n == 0)
            entries[t->n++] = (struct entry){"", path, &routes[i]};
    }
    qsort(entries, t->n, sizeof(*entries), compare_entries);
    return t;
}

void config_cover_table_free(struct config_cover_table *t)
{
    if (t == NULL)
        return;
    free(t->entries);
    free(t);
}

static void look_at_key(struct search *s, const struct key *key)
{
    const struct entry *entries = s->table->entries;
    size_t low = 0, high = s->table->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_to_key(&entries[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i < s->table->n && entries[i].route < s->before && compare_to_key(&entries[i], key) == 0; i++) {
        if (config_cover(entries[i].route, s->narrow, s->possible)) {
            s->before = entries[i].route;
            s->found = true;
        }
    }
}

/* With each beginning of the path that path_covers accepts. */
static void look_at_host(struct search *s, bool star, const char *host)
{
    const char *path = s->narrow->path != NULL ? s->narrow->path : "";
    look_at_key(s, &(struct key){star, host, path, 0});
    for (size_t n = 1; path[0] != '\0' && path[n - 1] != '\0'; n++)
        if (path[n] == '\0' || path[n] == '/' || path[n - 1] == '/')
            look_at_key(s, &(struct key){star, host, path, n});
}

const struct config_route *config_cover_table_before(const struct config_cover_table *t, const struct config_route *place, const struct config_route *narrow,
                                                     uint64_t possible)
{
    struct search s = {t, narrow, possible, place, false};
    look_at_host(&s, false, "");
    const char *host = narrow->host.n > 0 ? narrow->host.items[0] : NULL;
    if (host != NULL)
        look_at_host(&s, false, host);
    for (size_t i = 1; host != NULL && host[i - 1] != '\0'; i++)
        if (host[i] == '.' || host[i] == '\0')
            look_at_host(&s, true, host + i);
    return s.found ? s.before : NULL;
}
