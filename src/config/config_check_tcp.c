/* SPDX-License-Identifier: Apache-2.0 */
/* Checks which keys go together in tcp: TLS that begins later, TLS that passes through, routes by server name. */
#include "config_check.h"

#include "config_options.h"

#include <string.h>

static const char *const protocols[] = {"off", "postgres", "mysql", "smtp", "ldap", "imap"};

struct look { /* at one listener */
    const struct config_reader *r;
    const struct config_listener *l;
    const config_setting_t *group;
};

static void complain(const struct look *k, const char *key, const char *inner, const char *text)
{
    config_read_complain(k->r, FINDING_ERROR, config_read_at(k->group, key, inner, NULL), "%s", text);
}

/* ---- routes ---- */

/* A route of tcp has a name and an upstream. */
static void check_keys(const struct look *k, const config_setting_t *route)
{
    const struct config_option *o;
    for (size_t n = 0; (o = config_options_nth("route", n)) != NULL; n++) {
        bool given;
        const config_setting_t *at = config_read_at(route, o->key, NULL, &given);
        if (given && strcmp(o->key, "sni") != 0 && strcmp(o->key, "upstream") != 0)
            config_read_complain(k->r, FINDING_ERROR, at, "needs protocol = \"http\": a route of tcp has sni and upstream");
    }
}

static void check_routes(const struct look *k)
{
    bool listed, knows_name = k->l->tls.present || k->l->passthrough;
    const config_setting_t *routes = config_read_at(k->group, "routes", NULL, &listed);
    for (size_t i = 0; listed && i < k->l->n_routes; i++) {
        const config_setting_t *route = config_setting_get_elem(routes, (unsigned)i);
        bool given;
        const config_setting_t *sni = config_read_at(route, "sni", NULL, &given);
        if (given && k->l->protocol == CONFIG_PROTOCOL_HTTP)
            config_read_complain(k->r, FINDING_ERROR, sni, "needs protocol = \"tcp\" or \"tls-passthrough\": match requests by host");
        else if (given && !knows_name)
            config_read_complain(k->r, FINDING_ERROR, sni, "needs tls or protocol = \"tls-passthrough\": plaintext clients send no server name");
        if (k->l->protocol == CONFIG_PROTOCOL_TCP)
            check_keys(k, route);
    }
}

/* ---- TLS that another server ends ---- */

static void check_passthrough(const struct look *k)
{
    if (!k->l->passthrough)
        return;
    if (k->l->tls.present)
        complain(k, "tls", NULL, "has no place with protocol = \"tls-passthrough\": the server behind ends TLS; write protocol = \"tcp\" to end it here");
    for (size_t i = 0; i < k->l->n_routes; i++) {
        const struct config_upstream *u = k->l->routes[i].upstream != NULL ? config_find_upstream(k->r->config, k->l->routes[i].upstream) : NULL;
        if (u != NULL && u->tls.present)
            config_read_complain(k->r, FINDING_ERROR, config_read_at(k->group, "protocol", NULL, NULL),
                                 "upstream \"%.80s\" has tls, and the client's own TLS passes through: give it an upstream without", u->name);
    }
}

/* ---- TLS that begins later ---- */

static void check_upstream_of(const struct look *k, const struct config_route *route)
{
    const struct config_upstream *u = route->upstream != NULL ? config_find_upstream(k->r->config, route->upstream) : NULL;
    enum config_starttls here = k->l->tls.starttls, there = u != NULL ? u->tls.starttls : CONFIG_STARTTLS_OFF;
    if (here != CONFIG_STARTTLS_OFF && there != CONFIG_STARTTLS_OFF && here != there)
        config_read_complain(k->r, FINDING_ERROR, config_read_at(k->group, "tls", "starttls", NULL),
                             "is \"%s\", but \"%s\" in upstream \"%.80s\": both ends speak one protocol", protocols[here], protocols[there], u->name);
}

static void check_listener(const struct look *k)
{
    if (k->l->tls.starttls != CONFIG_STARTTLS_OFF && k->l->protocol == CONFIG_PROTOCOL_HTTP)
        complain(k, "tls", "starttls", "needs protocol = \"tcp\"");
    for (size_t i = 0; i < k->l->n_routes; i++)
        check_upstream_of(k, &k->l->routes[i]);
    if (k->l->tls.starttls == CONFIG_STARTTLS_MYSQL && k->l->n_routes > 1)
        complain(k, "tls", "starttls", "\"mysql\" needs one upstream: the server greets before the client sends its server name");
}

static void check_upstream(const struct config_reader *r, const struct config_upstream *u, const config_setting_t *group)
{
    const config_setting_t *at = config_read_at(group, "tls", "starttls", NULL);
    if (u->tls.starttls == CONFIG_STARTTLS_OFF)
        return;
    if ((u->carries >> CONFIG_PROTOCOL_HTTP & 1) != 0)
        config_read_complain(r, FINDING_ERROR, at, "needs listeners with protocol = \"tcp\": http listeners use this upstream");
    if (u->health_path != NULL)
        config_read_complain(r, FINDING_ERROR, config_read_at(group, "health", "path", NULL), "needs a server of HTTP: with starttls leave path out");
    if (u->pool_spare > 0 && u->tls.starttls == CONFIG_STARTTLS_MYSQL)
        config_read_complain(r, FINDING_ERROR, config_read_at(group, "pool", "spare", NULL),
                             "has no place with starttls = \"mysql\": TLS starts with the client's own login");
}

void config_check_tcp(const struct config_reader *r)
{
    const struct config *c = r->config;
    for (size_t i = 0; i < c->n_upstreams; i++)
        check_upstream(r, &c->upstreams[i], config_read_group_at(r, "upstreams", i));
    for (size_t i = 0; i < c->n_listeners; i++) {
        const struct look k = {r, &c->listeners[i], config_read_group_at(r, "listeners", i)};
        if (config_read_is_tainted(k.group))
            continue;
        check_routes(&k);
        check_passthrough(&k);
        check_listener(&k);
    }
}

const char *config_starttls_word(const struct config_tls *tls)
{
    return tls->starttls != CONFIG_STARTTLS_OFF ? protocols[tls->starttls] : NULL;
}

const char *config_protocol_word(const struct config_listener *l)
{
    return l->passthrough ? "tls-passthrough" : l->protocol == CONFIG_PROTOCOL_HTTP ? "http" : "tcp";
}
