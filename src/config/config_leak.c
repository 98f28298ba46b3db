/* SPDX-License-Identifier: Apache-2.0 */
#include "config_cover.h"

/* Whether an earlier route takes all requests of one of the route's hosts and one of its methods. */
static bool is_taken_before(const struct config_cover_table *table, const struct config_route *route, size_t host, size_t method, uint64_t status)
{
    struct config_route part = {.path = route->path};
    if (route->host.n > 0)
        part.host = (struct config_strings){&route->host.items[host], 1};
    if (route->method.n > 0)
        part.method = (struct config_strings){&route->method.items[method], 1};
    return config_cover_table_before(table, route, &part, status) != NULL;
}

static bool takes_some(const struct config_cover_table *table, const struct config_route *route, uint64_t status)
{
    size_t hosts = route->host.n > 0 ? route->host.n : 1, methods = route->method.n > 0 ? route->method.n : 1;
    for (size_t i = 0; i < hosts * methods; i++)
        if (!is_taken_before(table, route, i / methods, i % methods, status))
            return true;
    return false;
}

const struct config_route *config_leak(const struct config_listener *l, const struct config_cover_table *table, uint64_t status)
{
    for (size_t i = 0; i < l->n_routes && l->n_allow == 0; i++) {
        const struct config_route *route = &l->routes[i];
        bool is_open = route->cert == 0 && route->upstream != NULL && route->n_allow == 0 && route->n_caller == 0;
        if (is_open && takes_some(table, route, status))
            return route;
    }
    return NULL;
}
