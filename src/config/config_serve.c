/* SPDX-License-Identifier: Apache-2.0 */
#include "config_serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *config_serve_word(enum config_serve what)
{
    static const char *const words[] = {
        [CONFIG_SERVE_DASHBOARD] = "dashboard", [CONFIG_SERVE_STATUS] = "status", [CONFIG_SERVE_HEALTH] = "health", [CONFIG_SERVE_METRICS] = "metrics"};
    return words[what];
}

/* No group can have this name: libconfig takes no colon. */
static char *name_of(enum config_serve what)
{
    char name[32];
    snprintf(name, sizeof(name), "serve:%s", config_serve_word(what));
    return strdup(name);
}

/* With every default; what the client says to us is for us, and nothing is tried twice. */
static int fill(const struct config_reader *r, struct config_upstream *u, enum config_serve what)
{
    *u = (struct config_upstream){.name = name_of(what), .where = strdup(""), .targets = calloc(1, sizeof(*u->targets)), .serves = what};
    if (u->name == NULL || u->where == NULL || u->targets == NULL || (u->targets[0].text = strdup(config_serve_word(what))) == NULL)
        return -1;
    u->n_targets = 1;
    u->targets[0].weight = 1;
    u->targets[0].address.kind = ADDRESS_SELF;
    config_read_defaults(r, "upstream", u);
    u->host = CONFIG_HOST_PRESERVE;
    u->host_given = true;
    u->retries = 0;
    u->retry_after_ms = 0;
    return 0;
}

static int add(const struct config_reader *r, enum config_serve what)
{
    struct config *c = r->config;
    for (size_t i = c->n_upstreams - c->n_served; i < c->n_upstreams; i++)
        if (c->upstreams[i].serves == what)
            return 0;
    struct config_upstream *more = realloc(c->upstreams, (c->n_upstreams + 1) * sizeof(*more));
    if (more == NULL)
        return -1;
    c->upstreams = more;
    c->n_upstreams++;
    c->n_served++;
    return fill(r, &more[c->n_upstreams - 1], what);
}

static int add_of_route(const struct config_reader *r, struct config_route *route)
{
    if (route->serve == CONFIG_SERVE_NONE || route->upstream != NULL)
        return 0;
    if (add(r, route->serve) != 0 || (route->upstream = name_of(route->serve)) == NULL)
        return -1;
    return 0;
}

void config_serve_add(const struct config_reader *r)
{
    for (size_t i = 0; i < r->config->n_listeners; i++)
        for (size_t k = 0; k < r->config->listeners[i].n_routes; k++)
            if (add_of_route(r, &r->config->listeners[i].routes[k]) != 0)
                r->findings->out_of_memory = 1;
}

static bool is_for_this_host(const struct config_listener *l)
{
    for (size_t i = 0; i < l->n_bind; i++)
        if (!address_is_loopback(&l->bind[i]))
            return false;
    return true;
}

static bool is_gated(const struct config_listener *l, const struct config_route *route)
{
    return (l->n_allow > 0 && !l->allow_log_only) || (route->n_allow > 0 && !route->allow_log_only);
}

void config_serve_check(const struct config_reader *r, size_t listener)
{
    const struct config_listener *l = &r->config->listeners[listener];
    const config_setting_t *routes = config_read_at(config_read_group_at(r, "listeners", listener), "routes", NULL, NULL);
    for (size_t i = 0; i < l->n_routes && !is_for_this_host(l); i++) {
        const struct config_route *route = &l->routes[i];
        if (route->serve == CONFIG_SERVE_NONE || route->serve == CONFIG_SERVE_HEALTH || is_gated(l, route))
            continue;
        config_read_complain(r, FINDING_ERROR, config_read_at(config_setting_get_elem(routes, (unsigned)i), "serve", NULL, NULL),
                             "\"%s\" would be shown to every client that reaches this listener: give the route allow, which needs tls with client "
                             "certificates, or serve it on 127.0.0.1",
                             config_serve_word(route->serve));
    }
}
