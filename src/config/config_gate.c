/* SPDX-License-Identifier: Apache-2.0 */
#include "config_cover.h"

#include "mtlsd/base/reasons.h"
#include "mtlsd/base/request_path.h"

#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 1024 };

static bool covers(const char *prefix, const char *path)
{
    return request_path_covered(prefix, span_from_str(path), PATH_WIDE) != SIZE_MAX;
}

/* Some path is covered by both. */
static bool paths_meet(const char *a, const char *b)
{
    return a == NULL || b == NULL || covers(a, b) || covers(b, a);
}

static bool hosts_meet(const struct config_strings *a, const struct config_strings *b)
{
    bool meet = a->n == 0 || b->n == 0;
    for (size_t i = 0; i < a->n * b->n && !meet; i++) {
        struct config_strings one = {&a->items[i / b->n], 1}, other = {&b->items[i % b->n], 1};
        meet = config_cover_hosts(&one, &other) || config_cover_hosts(&other, &one);
    }
    return meet;
}

static bool methods_meet(const struct config_strings *a, const struct config_strings *b)
{
    for (size_t i = 0; i < a->n * b->n; i++)
        if (strcmp(a->items[i / b->n], b->items[i % b->n]) == 0)
            return true;
    return a->n == 0 || b->n == 0;
}

/* Rules hold for valid certificates only. */
static uint64_t statuses_of(const struct config_route *route, bool by_rules, uint64_t possible)
{
    uint64_t named = route->cert != 0 ? route->cert & possible : possible;
    return by_rules ? named & UINT64_C(1) << REASON_VALID : named;
}

/* Some caller whom the route lets on is one whom the gate looks at. */
static bool statuses_meet(const struct config_route *route, const struct config_route *gate, uint64_t possible)
{
    bool by_rules = route->n_caller > 0 || (route->n_allow > 0 && !route->allow_log_only);
    return (statuses_of(route, by_rules, possible) & statuses_of(gate, gate->n_caller > 0, possible)) != 0;
}

static bool is_forwarded_to(const struct config_route *route, const char *upstream)
{
    return route->upstream != NULL && strcmp(route->upstream, upstream) == 0;
}

/* A refusal keeps these requests from the upstream. A later route would forward them there, if the route that strips did not take them first. */
static bool is_kept_by(const struct config_listener *l, const struct config_route *refusal, const struct config_route *than, uint64_t possible)
{
    for (const struct config_route *next = refusal + 1; next < l->routes + l->n_routes; next++)
        if (next != than && !(than < next && config_cover(than, refusal, possible)) && next->strip_prefix == NULL && is_forwarded_to(next, than->upstream) && paths_meet(next->path, refusal->path) &&
            hosts_meet(&next->host, &refusal->host))
            return true;
    return false;
}

static bool is_gate(const struct config_route *route)
{
    return route->upstream == NULL || (route->n_allow > 0 && !route->allow_log_only);
}

/* A client that passes this route's rules passes the gate's. */
static bool is_as_strict(const struct config_route *route, const struct config_route *gate)
{
    if (gate->upstream == NULL)
        return false;
    struct config_route rules = {.caller = gate->allow, .n_caller = gate->n_allow}, allow = {.caller = route->allow, .n_caller = route->allow_log_only ? 0 : route->n_allow};
    return config_cover_callers(&rules, &allow) || config_cover_callers(&rules, route);
}

/* "/x" and "/admin" are "/x/admin"; whichever is longer of that and the route's own path. */
static void path_before_stripping(const struct config_route *route, const char *path, char out[PATH_BYTES])
{
    size_t n = strlen(route->strip_prefix);
    n -= n > 0 && route->strip_prefix[n - 1] == '/';
    snprintf(out, PATH_BYTES, "%.*s%s", (int)n, route->strip_prefix, path);
    if (strlen(route->path) > strlen(out))
        snprintf(out, PATH_BYTES, "%s", route->path);
}

/* A route that is no gate, or is a gate for a single spelling only, leaves the other requests to this route. */
static bool is_taken_by_gate(const struct config_cover_table *table, const struct config_route *route, const struct config_route *gate, uint64_t possible)
{
    char before[PATH_BYTES];
    struct config_route part = *route;
    path_before_stripping(route, gate->path, before);
    part.path = before;
    const struct config_route *taker = config_cover_table_before(table, route, &part, possible);
    return taker != NULL && is_gate(taker) && (taker->path_case == CONFIG_PATH_CASE_IGNORE || gate->path_case == CONFIG_PATH_CASE_EXACT);
}

/* The path that is forwarded instead of the route's own; never longer. */
static void path_after_stripping(const struct config_route *route, char out[PATH_BYTES])
{
    size_t covered = request_path_covered(route->strip_prefix, span_from_str(route->path), PATH_AS_SPELLED);
    snprintf(out, PATH_BYTES, "%s", covered != SIZE_MAX && route->path[covered] != '\0' ? route->path + covered : "/");
}

const struct config_route *config_gate_passed(const struct config_listener *l, const struct config_cover_table *table, const struct config_route *route,
                                              uint64_t possible)
{
    char forwarded[PATH_BYTES];
    if (route->strip_prefix == NULL || route->upstream == NULL || route->path == NULL || strlen(route->path) + strlen(route->strip_prefix) >= PATH_BYTES / 2)
        return NULL;
    path_after_stripping(route, forwarded);
    for (const struct config_route *gate = l->routes; gate < l->routes + l->n_routes; gate++) {
        if (gate == route || gate->path == NULL || strcmp(gate->path, "/") == 0 || strlen(gate->path) >= PATH_BYTES / 2 || !is_gate(gate))
            continue;
        bool keeps = gate->upstream != NULL ? is_forwarded_to(gate, route->upstream) && gate->strip_prefix == NULL : is_kept_by(l, gate, route, possible);
        bool meets = paths_meet(gate->path, forwarded) && hosts_meet(&gate->host, &route->host) && methods_meet(&gate->method, &route->method) &&
                     statuses_meet(route, gate, possible);
        if (keeps && meets && !is_as_strict(route, gate) && !is_taken_by_gate(table, route, gate, possible))
            return gate;
    }
    return NULL;
}
