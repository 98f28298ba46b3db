/* SPDX-License-Identifier: Apache-2.0 */
#include "config_complete.h"
#include "config_spiffe.h"
#include "config_check_respond.h"

#include "mtlsd/base/request_path.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { HEALTH_INTERVAL_MS = 10 * 1000, IDLE_HTTP_MS = 60 * 1000, IDLE_TCP_MS = 10 * 60 * 1000, MIN_BODY_RATE = 500 };

static void complete_upstream(const struct config_reader *r, struct config_upstream *u, const config_setting_t *group)
{
    if (u->health_interval_ms == 0 && config_read_given(group, "health", NULL))
        u->health_interval_ms = HEALTH_INTERVAL_MS;
    if (!config_read_given(group, "pool", "max"))
        u->pool_max = UINT_MAX;
    if (!config_read_given(group, "timeouts", "max_connection_age_grace"))
        u->age_grace_ms = UINT64_MAX;
    if (!u->tls.present)
        return;
    if (u->tls.trust == NULL && (u->tls.trust = strdup("system")) == NULL)
        r->findings->out_of_memory = 1;
    if (u->tls.identity == NULL && u->tls.choices.n > 0 && (u->tls.identity = strdup(u->tls.choices.items[0])) == NULL)
        r->findings->out_of_memory = 1;
    if (!config_read_given(group, "tls", "require_client_auth"))
        u->tls.require_client_auth = u->tls.identity != NULL && !config_tls_asked_later(&u->tls);
}

/* Names are compared as they are from here on. */
static void lower(struct config_strings *list)
{
    for (size_t i = 0; i < list->n; i++)
        for (char *c = list->items[i]; *c != '\0'; c++)
            *c = (char)span_lower((uint8_t)*c);
}

/* The word among the files becomes a switch. */
static void complete_trust(struct config_trust *t)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->crl.n; i++) {
        if (strcmp(t->crl.items[i], "fetch") != 0) {
            t->crl.items[kept++] = t->crl.items[i];
            continue;
        }
        free(t->crl.items[i]);
        t->crl_fetch = true;
    }
    t->crl.n = kept;
}

/* "/Login" to "/login", or "/docs/" to "/docs": the wide reading of the path would take the place that it leads to as well. */
static bool leads_to_itself(const struct config_route *route)
{
    if (route->path == NULL || route->redirect == NULL || route->redirect[0] != '/')
        return false;
    struct span to = span_of(route->redirect, strcspn(route->redirect, "?#"));
    return request_path_covered(route->path, to, PATH_WIDE) != SIZE_MAX && request_path_covered(route->path, to, PATH_AS_SPELLED) == SIZE_MAX;
}

/* upstream = "X" is one route that matches everything. */
static void complete_routes(const struct config_reader *r, struct config_listener *l)
{
    if (l->upstream != NULL && l->n_routes == 0) {
        l->routes = calloc(1, sizeof(*l->routes));
        if (l->routes == NULL || (l->routes[0].upstream = strdup(l->upstream)) == NULL) {
            r->findings->out_of_memory = 1;
            return;
        }
        l->n_routes = 1;
    }
    for (size_t i = 0; i < l->n_routes; i++) {
        struct config_route *route = &l->routes[i];
        l->has_path_rules = l->has_path_rules || route->path != NULL || route->strip_prefix != NULL;
        l->has_host_rules = l->has_host_rules || route->host.n > 0;
        l->has_method_rules = l->has_method_rules || route->method.n > 0;
        if (l->protocol == CONFIG_PROTOCOL_TCP && route->host.n == 0) {
            route->host = route->sni;
            route->sni = (struct config_strings){0};
        }
        lower(&route->host);
        lower(&route->sni);
        config_complete_respond(r, route);
        if (leads_to_itself(route))
            route->path_case = CONFIG_PATH_CASE_EXACT;
    }
}

static void complete_contact(const struct config_reader *r, struct config_listener *l)
{
    if (l->contact == NULL && r->config->contact != NULL && (l->contact = strdup(r->config->contact)) == NULL)
        r->findings->out_of_memory = 1;
}

static bool has_tcp_bind(const struct config_listener *l)
{
    for (size_t i = 0; i < l->n_bind; i++)
        if (l->bind[i].kind != ADDRESS_UNIX)
            return true;
    return false;
}

/* Programs of this host may upload slowly; other hosts cannot connect here. */
static bool serves_this_host_only(const struct config_listener *l)
{
    for (size_t i = 0; i < l->n_bind; i++)
        if (!address_is_loopback(&l->bind[i]))
            return false;
    return !l->tls.present && !l->insecure_expose;
}

static bool given_in(const config_setting_t *list, size_t i, const char *key)
{
    const config_setting_t *element = config_setting_get_elem(list, (unsigned)i);
    return element != NULL && config_setting_is_group(element) && config_setting_get_member(element, key) != NULL;
}

/* A key that a block leaves out has the value of the block around it: a block without a trust does not trust less. */
static void complete_identities(const struct config_reader *r, struct config_tls *tls, const config_setting_t *group)
{
    const config_setting_t *list = config_read_at(group, "tls", "identities", NULL);
    bool asked = config_read_given(group, "tls", "client_cert");
    for (size_t i = 0; i < tls->n_identities; i++) {
        struct config_sni *sni = &tls->identities[i];
        lower(&sni->hosts);
        if (sni->trust == NULL && tls->trust != NULL && (sni->trust = strdup(tls->trust)) == NULL)
            r->findings->out_of_memory = 1;
        if (!given_in(list, i, "client_cert") && sni->trust != NULL)
            sni->client_cert = asked ? tls->client_cert : CONFIG_CLIENT_CERT_REQUIRED;
        if (!given_in(list, i, "tolerate") && sni->client_cert != CONFIG_CLIENT_CERT_NONE)
            sni->tolerate = tls->tolerate;
    }
}

static void complete_listener(const struct config_reader *r, struct config_listener *l, const config_setting_t *group)
{
    bool http = l->protocol == CONFIG_PROTOCOL_HTTP;
    if (l->protocol == CONFIG_PROTOCOL_TLS_PASSTHROUGH) {
        l->passthrough = true;
        l->protocol = CONFIG_PROTOCOL_TCP;
    }
    complete_routes(r, l);
    complete_contact(r, l);
    lower(&l->hosts);
    lower(&l->allow_origins);
    lower(&l->forward_proxy.direct);
    l->guards_browsers = http && !l->tls.present && has_tcp_bind(l);
    if (!config_read_given(group, "tls", "client_cert"))
        l->tls.client_cert = l->tls.trust != NULL ? CONFIG_CLIENT_CERT_REQUIRED : CONFIG_CLIENT_CERT_NONE;
    complete_identities(r, &l->tls, group);
    if (!config_read_given(group, "forwarded", NULL))
        l->forwarded = http && (l->tls.present || l->trusted_proxies.n > 0 || l->trusted_proxies.sockets) ? CONFIG_FORWARDED_X : CONFIG_FORWARDED_OFF;
    l->rewrite_location_given = config_read_given(group, "rewrite_location", NULL);
    if (!config_read_given(group, "timeouts", "idle"))
        l->idle_ms = http ? IDLE_HTTP_MS : IDLE_TCP_MS;
    if (!config_read_given(group, "timeouts", "max_connection_age_grace"))
        l->age_grace_ms = UINT64_MAX;
    if (!config_read_given(group, "timeouts", "min_body_rate"))
        l->min_body_rate = serves_this_host_only(l) ? 0 : MIN_BODY_RATE;
}

/* An upstream with every default, named "direct", whose one target has no address: it depends on the request. */
static void complete_direct(const struct config_reader *r)
{
    struct config_upstream *u = calloc(1, sizeof(*u));
    r->config->direct = u;
    if (u == NULL || (u->name = strdup("direct")) == NULL || (u->targets = calloc(1, sizeof(*u->targets))) == NULL ||
        (u->targets[0].text = strdup(u->name)) == NULL) {
        r->findings->out_of_memory = 1;
        return;
    }
    u->n_targets = 1;
    u->targets[0].weight = 1;
    config_read_defaults(r, "upstream", u);
    u->host = CONFIG_HOST_PRESERVE;
    u->host_given = true;
    u->retries = 0;
    u->pool_max = 0;
}

static bool has_forward_proxy(const struct config *c)
{
    for (size_t i = 0; i < c->n_listeners; i++)
        if (c->listeners[i].forward_proxy.present)
            return true;
    return false;
}

/* For whom each upstream works: what it may offer by ALPN depends on that. */
static void note_carried(struct config *c, const struct config_listener *l)
{
    for (size_t i = 0; i < l->n_routes; i++) {
        const struct config_upstream *u = l->routes[i].upstream != NULL ? config_find_upstream(c, l->routes[i].upstream) : NULL;
        if (u != NULL)
            c->upstreams[u - c->upstreams].carries |= 1U << l->protocol;
    }
}

void config_complete(const struct config_reader *r)
{
    for (size_t i = 0; i < r->config->n_upstreams - r->config->n_served; i++)
        complete_upstream(r, &r->config->upstreams[i], config_read_group_at(r, "upstreams", i));
    for (size_t i = 0; i < r->config->n_trusts; i++)
        complete_trust(&r->config->trusts[i]);
    config_spiffe_complete(r);
    for (size_t i = 0; i < r->config->n_listeners; i++)
        complete_listener(r, &r->config->listeners[i], config_read_group_at(r, "listeners", i));
    for (size_t i = 0; i < r->config->n_listeners; i++)
        note_carried(r->config, &r->config->listeners[i]);
    if (has_forward_proxy(r->config))
        complete_direct(r);
}
