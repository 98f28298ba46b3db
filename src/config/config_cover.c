/* SPDX-License-Identifier: Apache-2.0 */
#include "config_cover.h"

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

static bool hosts_cover(const struct config_strings *wide, const struct config_strings *narrow)
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
        if (!holds(wide, narrow->items[i]))
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

static bool callers_cover(const struct config_route *wide, const struct config_route *narrow)
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
    return hosts_cover(&wide->host, &narrow->host) && path_covers(wide->path, narrow->path) &&
           methods_cover(&wide->method, &narrow->method) && (statuses(narrow, possible) & ~statuses(wide, possible)) == 0 &&
           callers_cover(wide, narrow);
}
