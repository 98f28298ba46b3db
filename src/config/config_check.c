/* SPDX-License-Identifier: Apache-2.0 */
#include "config_check.h"

#include "mtlsd/base/text.h"

#include <stdlib.h>
#include <string.h>

static config_setting_t *place(const struct config_reader *r, const char *kind, const char *name,
                               const char *key, const char *inner)
{
    return config_read_at(r, (const char *const[4]){kind, name, key, inner}, NULL);
}

static bool given(const struct config_reader *r, const char *kind, const char *name, const char *key,
                  const char *inner)
{
    bool found;
    config_read_at(r, (const char *const[4]){kind, name, key, inner}, &found);
    return found;
}

static bool tainted(const struct config_reader *r, const char *kind, const char *name)
{
    return config_read_is_tainted(place(r, kind, name, NULL, NULL));
}

/* Defaults that depend on other keys. */

static void complete_upstream(const struct config_reader *r, struct config_upstream *u)
{
    if (u->health_interval_ms == 0 && given(r, "upstreams", u->name, "health", NULL))
        u->health_interval_ms = 10 * 1000;
    if (!u->tls.present)
        return;
    if (u->tls.trust == NULL) {
        u->tls.trust = strdup("system");
        if (u->tls.trust == NULL)
            r->findings->out_of_memory = 1;
    }
    if (!given(r, "upstreams", u->name, "tls", "require_client_auth"))
        u->tls.require_client_auth = u->tls.identity != NULL;
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
        const struct config_route *route = &l->routes[i];
        l->has_path_rules = l->has_path_rules || route->path != NULL || route->strip_prefix != NULL;
        for (size_t k = 0; k < route->host.n; k++)
            for (char *c = route->host.items[k]; *c != '\0'; c++)
                *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
}

static bool has_tcp_bind(const struct config_listener *l)
{
    for (size_t i = 0; i < l->n_bind; i++)
        if (l->bind[i].kind == ADDRESS_TCP)
            return true;
    return false;
}

static void complete_listener(const struct config_reader *r, struct config_listener *l)
{
    complete_routes(r, l);
    bool http = l->protocol == CONFIG_PROTOCOL_HTTP;
    l->guards_browsers = http && !l->tls.present && has_tcp_bind(l);
    if (!given(r, "listeners", l->name, "tls", "client_cert"))
        l->tls.client_cert = l->tls.trust != NULL ? CONFIG_CLIENT_CERT_REQUIRED : CONFIG_CLIENT_CERT_NONE;
    if (!given(r, "listeners", l->name, "forwarded", NULL))
        l->forwarded = http && l->tls.present ? CONFIG_FORWARDED_X : CONFIG_FORWARDED_OFF;
    if (!given(r, "listeners", l->name, "timeouts", "idle"))
        l->idle_ms = http ? 60 * 1000 : 10 * 60 * 1000;
}

/* Names. */

enum kind { IDENTITY, TRUST, UPSTREAM };
static const char *const kind_words[] = {"identity", "trust", "upstream"};

static const char *name_at(const struct config *c, enum kind kind, size_t i)
{
    return kind == IDENTITY ? c->identities[i].name
           : kind == TRUST  ? c->trusts[i].name
                            : c->upstreams[i].name;
}

static size_t count_of(const struct config *c, enum kind kind)
{
    return kind == IDENTITY ? c->n_identities : kind == TRUST ? c->n_trusts : c->n_upstreams;
}

/* The defined name that is nearest to a wrong one. */
static const char *nearest_name(const struct config_reader *r, enum kind kind, const char *name)
{
    size_t n = count_of(r->config, kind);
    const char **names = calloc(n + 1, sizeof(*names));
    if (names == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        names[i] = name_at(r->config, kind, i);
    if (kind == TRUST)
        names[n++] = "system";
    const char *near = text_suggest(name, names, n);
    free(names);
    return near;
}

static void check_reference(const struct config_reader *r, enum kind kind, const char *name,
                            const config_setting_t *at)
{
    if (name == NULL || (kind == TRUST && strcmp(name, "system") == 0))
        return;
    for (size_t i = 0; i < count_of(r->config, kind); i++)
        if (strcmp(name_at(r->config, kind, i), name) == 0)
            return;
    const char *near = nearest_name(r, kind, name);
    config_read_complain(r, FINDING_ERROR, at, "no %s \"%.80s\" is defined%s%s%s", kind_words[kind], name,
                         near != NULL ? ", did you mean \"" : "", near != NULL ? near : "",
                         near != NULL ? "\"?" : "");
}

static bool same(const char *a, const char *b)
{
    return a != NULL && strcmp(a, b) == 0;
}

static bool is_used(const struct config *c, enum kind kind, const char *name)
{
    for (size_t i = 0; i < c->n_upstreams; i++) {
        const struct config_tls *tls = &c->upstreams[i].tls;
        if (kind != UPSTREAM && same(kind == IDENTITY ? tls->identity : tls->trust, name))
            return true;
    }
    for (size_t i = 0; i < c->n_listeners; i++) {
        const struct config_listener *l = &c->listeners[i];
        for (size_t k = 0; kind == UPSTREAM && k < l->n_routes; k++)
            if (same(l->routes[k].upstream, name))
                return true;
        if (kind != UPSTREAM && same(kind == IDENTITY ? l->tls.identity : l->tls.trust, name))
            return true;
    }
    return false;
}

static void check_unused(const struct config_reader *r)
{
    static const char *const groups[] = {"identities", "trusts", "upstreams"};
    for (enum kind kind = IDENTITY; kind <= UPSTREAM; kind++)
        for (size_t i = 0; i < count_of(r->config, kind); i++) {
            const char *name = name_at(r->config, kind, i);
            if (!is_used(r->config, kind, name))
                config_read_complain(r, FINDING_WARNING, place(r, groups[kind], name, NULL, NULL),
                                     "nothing uses this %s", kind_words[kind]);
        }
}

/* Groups, one at a time. */

static void check_identity(const struct config_reader *r, const struct config_identity *id)
{
    const config_setting_t *at = place(r, "identities", id->name, NULL, NULL);
    if (config_read_is_tainted(at))
        return;
    if (id->bundle != NULL && (id->certificate != NULL || id->key != NULL))
        config_read_complain(
            r, FINDING_ERROR, at,
            "bundle holds certificate and key in one file: give either bundle, or certificate and key");
    else if (id->bundle == NULL && id->certificate == NULL && id->key == NULL)
        config_read_complain(
            r, FINDING_ERROR, at,
            "give bundle = \"FILE\" with certificate, chain and key, or certificate and key");
    else if (id->bundle == NULL && id->key == NULL)
        config_read_complain(
            r, FINDING_ERROR, at,
            "key is missing: give the file of the private key, or bundle when one file holds both");
    else if (id->bundle == NULL && id->certificate == NULL)
        config_read_complain(
            r, FINDING_ERROR, at,
            "certificate is missing: give the file of the certificate, or bundle when one file holds both");
}

static void check_trust(const struct config_reader *r, const struct config_trust *t)
{
    if (strcmp(t->name, "system") == 0)
        config_read_complain(r, FINDING_ERROR, place(r, "trusts", t->name, NULL, NULL),
                             "this name is built in: choose another one");
    static const char *const idle[] = {"crl_policy", "crl_grace"};
    for (size_t i = 0; i < 2; i++)
        if (t->crl.n == 0 && given(r, "trusts", t->name, idle[i], NULL) && !tainted(r, "trusts", t->name))
            config_read_complain(r, FINDING_WARNING, place(r, "trusts", t->name, idle[i], NULL),
                                 "has no effect without crl");
}

static bool has_unix_target(const struct config_upstream *u)
{
    for (size_t i = 0; i < u->n_targets; i++)
        if (u->targets[i].address.kind == ADDRESS_UNIX)
            return true;
    return false;
}

static void check_plaintext_targets(const struct config_reader *r, const struct config_upstream *u)
{
    for (size_t i = 0; i < u->n_targets; i++)
        if (!address_is_loopback(&u->targets[i].address))
            config_read_complain(
                r, FINDING_WARNING, place(r, "upstreams", u->name, "targets", NULL),
                "\"%.200s\" is reached in plaintext beyond this host: give the upstream a tls block",
                u->targets[i].text);
}

static void check_server_name(const struct config_reader *r, const struct config_upstream *u)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:";
    const char *name = u->tls.server_name;
    if (name != NULL && name[strspn(name, allowed)] != '\0')
        config_read_complain(r, FINDING_ERROR, place(r, "upstreams", u->name, "tls", "server_name"),
                             "\"%.80s\" is not a host name", name);
    if (name == NULL && u->tls.expect.n == 0 && has_unix_target(u))
        config_read_complain(r, FINDING_ERROR, place(r, "upstreams", u->name, "tls", NULL),
                             "a unix socket has no host name to verify: give server_name or expect");
}

static void check_upstream(const struct config_reader *r, const struct config_upstream *u)
{
    if (u->tls.present) {
        check_reference(r, IDENTITY, u->tls.identity, place(r, "upstreams", u->name, "tls", "identity"));
        check_reference(r, TRUST, u->tls.trust, place(r, "upstreams", u->name, "tls", "trust"));
        check_server_name(r, u);
        if (u->tls.require_client_auth && u->tls.identity == NULL && !tainted(r, "upstreams", u->name))
            config_read_complain(r, FINDING_ERROR,
                                 place(r, "upstreams", u->name, "tls", "require_client_auth"),
                                 "without an identity there is no certificate to be asked for: give "
                                 "identity, or leave this out");
    } else if (!given(r, "upstreams", u->name, "tls", NULL)) {
        check_plaintext_targets(r, u);
    }
}

static void check_exposure(const struct config_reader *r, const struct config_listener *l)
{
    size_t exposed = 0;
    for (size_t i = 0; i < l->n_bind && !l->tls.present; i++) {
        if (address_is_loopback(&l->bind[i]))
            continue;
        exposed++;
        if (l->insecure_expose)
            config_read_complain(r, FINDING_WARNING, place(r, "listeners", l->name, "insecure_expose", NULL),
                                 "whoever reaches \"%.200s\" is served in plaintext", l->bind_text[i]);
        else
            config_read_complain(r, FINDING_ERROR, place(r, "listeners", l->name, "bind", NULL),
                                 "\"%.200s\" is plaintext beyond this host: give the listener a tls block, "
                                 "bind to 127.0.0.1, or accept it with "
                                 "insecure_expose = true",
                                 l->bind_text[i]);
    }
    if (l->insecure_expose && exposed == 0)
        config_read_complain(r, FINDING_WARNING, place(r, "listeners", l->name, "insecure_expose", NULL),
                             "is not needed here: leave it out");
}

/* What asks for a judged caller, and so for a trust and a certificate that is asked for. */
static void check_client_cert(const struct config_reader *r, const struct config_listener *l)
{
    bool asks = l->tls.trust != NULL && l->tls.client_cert != CONFIG_CLIENT_CERT_NONE;
    const char *missing = !l->tls.present        ? "tls with a trust"
                          : l->tls.trust == NULL ? "a trust in tls"
                                                 : "client_cert other than \"none\"";
    if (l->tls.trust == NULL && l->tls.client_cert != CONFIG_CLIENT_CERT_NONE)
        config_read_complain(r, FINDING_ERROR, place(r, "listeners", l->name, "tls", "client_cert"),
                             "needs a trust to verify the certificate with");
    if (l->tls.trust != NULL && !asks)
        config_read_complain(r, FINDING_WARNING, place(r, "listeners", l->name, "tls", "client_cert"),
                             "no certificate is asked for, so the trust has no effect");
    if (l->n_allow > 0 && !asks)
        config_read_complain(r, FINDING_ERROR, place(r, "listeners", l->name, "allow", NULL),
                             "rules need %s: nobody is verified here", missing);
    if (l->identity_headers != 0 && !asks)
        config_read_complain(r, FINDING_ERROR, place(r, "listeners", l->name, "identity_headers", NULL),
                             "needs %s: nobody is verified here", missing);
}

static void check_protocol(const struct config_reader *r, const struct config_listener *l)
{
    if (l->protocol == CONFIG_PROTOCOL_HTTP)
        return;
    if (l->identity_headers != 0)
        config_read_complain(r, FINDING_ERROR, place(r, "listeners", l->name, "identity_headers", NULL),
                             "needs protocol = \"http\": tcp has no headers");
    if (l->forwarded != CONFIG_FORWARDED_OFF)
        config_read_complain(r, FINDING_ERROR, place(r, "listeners", l->name, "forwarded", NULL),
                             "needs protocol = \"http\": tcp has no headers");
}

/* The setting of a route, or of what stands for it. */
static const config_setting_t *route_place(const struct config_reader *r, const struct config_listener *l,
                                           size_t route, const char *key)
{
    bool listed;
    const config_setting_t *routes = config_read_at(r, (const char *const[4]){"listeners", l->name, "routes", NULL}, &listed);
    const config_setting_t *at = listed ? config_setting_get_elem(routes, (unsigned)route) : NULL;
    if (at == NULL)
        return place(r, "listeners", l->name, key, NULL);
    const config_setting_t *inner = config_setting_is_group(at) ? config_setting_get_member(at, key) : NULL;
    return inner != NULL ? inner : at;
}

static void check_loop(const struct config_reader *r, const struct config_listener *l, size_t route)
{
    const char *name = l->routes[route].upstream;
    const struct config_upstream *u = name != NULL ? config_find_upstream(r->config, name) : NULL;
    for (size_t i = 0; u != NULL && i < l->n_bind * u->n_targets; i++)
        if (address_same(&l->bind[i / u->n_targets], &u->targets[i % u->n_targets].address))
            config_read_complain(r, FINDING_ERROR, route_place(r, l, route, "upstream"),
                                 "its target is this listener's own address \"%.200s\": it would call itself",
                                 l->bind_text[i / u->n_targets]);
}

static void check_routes(const struct config_reader *r, const struct config_listener *l)
{
    if (l->upstream != NULL && given(r, "listeners", l->name, "routes", NULL))
        config_read_complain(r, FINDING_ERROR, place(r, "listeners", l->name, "upstream", NULL),
                             "give either upstream or routes; a last route without a match takes the rest");
    else if (l->n_routes == 0 && !tainted(r, "listeners", l->name))
        config_read_complain(r, FINDING_ERROR, place(r, "listeners", l->name, NULL, NULL),
                             "upstream is missing, write for example: upstream = \"NAME\"; or routes = ( { ... } );");
    for (size_t i = 0; i < l->n_routes; i++) {
        check_reference(r, UPSTREAM, l->routes[i].upstream, route_place(r, l, i, "upstream"));
        check_loop(r, l, i);
    }
}

static void check_listener(const struct config_reader *r, const struct config_listener *l)
{
    check_reference(r, IDENTITY, l->tls.identity, place(r, "listeners", l->name, "tls", "identity"));
    check_reference(r, TRUST, l->tls.trust, place(r, "listeners", l->name, "tls", "trust"));
    check_routes(r, l);
    if (tainted(r, "listeners", l->name))
        return;
    check_exposure(r, l);
    check_client_cert(r, l);
    check_protocol(r, l);
}

/* Addresses across listeners. With SO_REUSEPORT the system would share the connections out between two
 * listeners without a word. */
static void check_bind(const struct config_reader *r, size_t listener, size_t index)
{
    const struct config_listener *l = &r->config->listeners[listener];
    const struct address *a = &l->bind[index];
    const config_setting_t *at = place(r, "listeners", l->name, "bind", NULL);
    if (a->kind == ADDRESS_UNIX && r->config->admin_socket != NULL &&
        strcmp(a->path, r->config->admin_socket) == 0)
        config_read_complain(r, FINDING_ERROR, at, "\"%.200s\" is the admin socket already",
                             l->bind_text[index]);
    for (size_t i = 0; i <= listener; i++) {
        const struct config_listener *other = &r->config->listeners[i];
        for (size_t k = 0; k < (i < listener ? other->n_bind : index); k++)
            if (address_same(a, &other->bind[k]))
                config_read_complain(r, FINDING_ERROR, at, "\"%.200s\" is taken already, by listener %.80s",
                                     l->bind_text[index], other->name);
    }
}

void config_check(const struct config_reader *r)
{
    struct config *c = r->config;
    if (r->findings->out_of_memory)
        return; /* half a configuration */
    for (size_t i = 0; i < c->n_upstreams; i++)
        complete_upstream(r, &c->upstreams[i]);
    for (size_t i = 0; i < c->n_listeners; i++)
        complete_listener(r, &c->listeners[i]);
    for (size_t i = 0; i < c->n_identities; i++)
        check_identity(r, &c->identities[i]);
    for (size_t i = 0; i < c->n_trusts; i++)
        check_trust(r, &c->trusts[i]);
    for (size_t i = 0; i < c->n_upstreams; i++)
        check_upstream(r, &c->upstreams[i]);
    for (size_t i = 0; i < c->n_listeners; i++) {
        check_listener(r, &c->listeners[i]);
        for (size_t k = 0; k < c->listeners[i].n_bind; k++)
            check_bind(r, i, k);
    }
    if (r->findings->errors == 0)
        check_unused(r); /* otherwise the one use may be the misspelt one */
}
