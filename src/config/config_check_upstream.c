/* SPDX-License-Identifier: Apache-2.0 */
#include "config_check.h"

#include "config_names.h"
#include "config_words.h"
#include "mtlsd/base/hostname.h"

#include <string.h>

enum { TARGETS_MAX = 1000 /* every one is compared with every other */ };

struct look { /* at one upstream */
    const struct config_reader *r;
    const struct config_upstream *u;
    const config_setting_t *group;
};

static const config_setting_t *at(const struct look *k, const char *key, const char *inner)
{
    return config_read_at(k->group, key, inner, NULL);
}

static void complain(const struct look *k, const config_setting_t *place, const char *text)
{
    config_read_complain(k->r, FINDING_ERROR, place, "%s", text);
}

/* The setting of one target; where targets is a single string, that. */
static const config_setting_t *target_at(const struct look *k, size_t i, const char *key)
{
    const config_setting_t *targets = at(k, "targets", NULL);
    if (!config_read_is_list(targets))
        return targets;
    return config_read_at(config_setting_get_elem(targets, (unsigned)i), key, NULL, NULL);
}

/* ---- targets ---- */

static void check_plaintext_targets(const struct look *k)
{
    for (size_t i = 0; i < k->u->n_targets; i++)
        if (!address_is_loopback(&k->u->targets[i].address))
            config_read_complain(k->r, FINDING_WARNING, target_at(k, i, "address"),
                                 "\"%.200s\" is reached in plaintext beyond this host: give the upstream a tls block",
                                 k->u->targets[i].text);
}

static bool has_unix_target(const struct config_upstream *u)
{
    for (size_t i = 0; i < u->n_targets; i++)
        if (u->targets[i].address.kind == ADDRESS_UNIX)
            return true;
    return false;
}

static void check_twins(const struct look *k, size_t i)
{
    const struct config_target *t = &k->u->targets[i];
    for (size_t j = 0; j < i; j++) {
        const struct config_target *other = &k->u->targets[j];
        if (address_same(&t->address, &other->address))
            config_read_complain(k->r, FINDING_ERROR, target_at(k, i, "address"),
                                 "\"%.200s\" is a target already: give the first one more weight instead", t->text);
        if (t->route != NULL && other->route != NULL && strcmp(t->route, other->route) == 0)
            config_read_complain(k->r, FINDING_ERROR, target_at(k, i, "route"),
                                 "\"%.80s\" is also the route of another target: cookies could not distinguish them", t->route);
    }
}

static void check_target_route(const struct look *k, size_t i)
{
    const char *route = k->u->targets[i].route;
    bool by_cookie = k->u->sticky == CONFIG_STICKY_SUFFIX || k->u->sticky == CONFIG_STICKY_INSERT;
    if (route == NULL && k->u->sticky == CONFIG_STICKY_SUFFIX)
        complain(k, target_at(k, i, NULL), "route is missing: with sticky mode suffix every target needs the name that ends its cookies, "
                                           "as in { address = \"10.0.0.1:8443\"; route = \"worker1\"; }");
    if (route != NULL && !config_words_is_route(route))
        config_read_complain(k->r, FINDING_ERROR, target_at(k, i, "route"),
                             "\"%.80s\" is not valid in a cookie: use letters, digits, - and _", route);
    if (route != NULL && !by_cookie)
        config_read_complain(k->r, FINDING_WARNING, target_at(k, i, "route"), "has no effect without sticky = { cookie = ...; }");
}

static void check_backups(const struct look *k)
{
    size_t backups = 0, last = 0;
    for (size_t i = 0; i < k->u->n_targets; i++) {
        backups += k->u->targets[i].backup;
        last = k->u->targets[i].backup ? i : last;
    }
    if (backups > 0 && backups == k->u->n_targets)
        complain(k, target_at(k, last, "backup"), "all targets are backups: leave backup out of at least one");
}

static void check_targets(const struct look *k)
{
    if (k->u->n_targets > TARGETS_MAX) {
        config_read_complain(k->r, FINDING_ERROR, at(k, "targets", NULL), "%zu targets are too many: at most %d", k->u->n_targets, TARGETS_MAX);
        return;
    }
    for (size_t i = 0; i < k->u->n_targets; i++) {
        check_twins(k, i);
        check_target_route(k, i);
    }
    check_backups(k);
}

/* ---- what is said to them ---- */

static void check_sticky(const struct look *k)
{
    const char *cookie = k->u->sticky_cookie;
    if (cookie != NULL && !config_words_is_token(cookie))
        config_read_complain(k->r, FINDING_ERROR, at(k, "sticky", "cookie"), "\"%.80s\" cannot be the name of a cookie", cookie);
}

static bool offers_http2(const struct config_tls *tls)
{
    for (size_t i = 0; i < tls->alpn.n; i++)
        if (strcmp(tls->alpn.items[i], "h2") == 0)
            return true;
    return tls->alpn.n == 0 && !config_tls_asked_later(tls);
}

static void check_grpc(const struct look *k)
{
    const config_setting_t *place = at(k, "health", "grpc");
    if (k->u->health_grpc == NULL)
        return;
    if (k->u->health_path != NULL)
        complain(k, place, "a check asks by gRPC or by path: leave out one of the two");
    if ((k->u->carries >> CONFIG_PROTOCOL_TCP & 1) != 0)
        complain(k, place, "a tcp listener uses this upstream, so that its checks do not speak HTTP/2: give http listeners an upstream of their own");
    else if (k->u->tls.present ? !offers_http2(&k->u->tls) : !k->u->http2_prior_knowledge)
        complain(k, place, k->u->tls.present ? "gRPC needs HTTP/2: add \"h2\" to tls.alpn" : "gRPC needs HTTP/2: set http2_prior_knowledge to true");
}

static void check_health(const struct look *k)
{
    const char *path = k->u->health_path;
    const char *why = path != NULL ? config_words_target_refusal(path) : NULL;
    if (why != NULL)
        config_read_complain(k->r, FINDING_ERROR, at(k, "health", "path"), "\"%.80s\" is not a valid path: %s", path, why);
    if (k->u->health_expect != NULL && !config_words_are_statuses(k->u->health_expect))
        config_read_complain(k->r, FINDING_ERROR, at(k, "health", "expect"),
                             "\"%.80s\" is not understood: write \"200\", \"200-399\" or several of these with commas", k->u->health_expect);
    else if (path == NULL && config_read_given(k->group, "health", "expect"))
        config_read_complain(k->r, FINDING_WARNING, at(k, "health", "expect"), "has no effect without path");
    check_grpc(k);
}

static void check_proxy(const struct look *k)
{
    if (k->u->proxy_text != NULL && has_unix_target(k->u))
        complain(k, at(k, "proxy", NULL), "a proxy cannot reach a unix socket: leave proxy out, or put that target into another upstream");
}

static void check_http2(const struct look *k)
{
    const config_setting_t *place = at(k, "http2_prior_knowledge", NULL);
    if (!k->u->http2_prior_knowledge)
        return;
    if (k->u->tls.present)
        complain(k, place, "with TLS the handshake decides: set tls.alpn to [ \"h2\" ] to speak HTTP/2 alone");
    else if ((k->u->carries >> CONFIG_PROTOCOL_TCP & 1) != 0)
        complain(k, place, "a tcp listener uses this upstream, and passes bytes as they come: give http listeners an upstream of their own");
    else if (k->u->send_proxy_protocol != CONFIG_PROXY_PROTOCOL_NONE)
        complain(k, place, "a connection that is shared cannot begin with the PROXY header of one client: leave out one of the two");
}

static void check_spare(const struct look *k)
{
    const config_setting_t *place = at(k, "pool", "spare");
    if (k->u->pool_spare > 0 && k->u->send_proxy_protocol != CONFIG_PROXY_PROTOCOL_NONE)
        complain(k, place, "a connection that is made before its client is there cannot begin with that client's PROXY header: leave out spare, or send_proxy_protocol");
    if (k->u->pool_spare > k->u->pool_max)
        complain(k, place, "is more than max: keep fewer ready, or raise max");
}

static void check_age(const struct look *k)
{
    if (k->u->max_age_ms == 0 && config_read_given(k->group, "timeouts", "max_connection_age_grace"))
        complain(k, at(k, "timeouts", "max_connection_age_grace"), "has no effect without max_connection_age: give both, or leave it out");
}

static void check_server_name(const struct look *k)
{
    const char *name = k->u->tls.server_name;
    if (name != NULL && !hostname_is_well_formed(span_from_str(name)))
        config_read_complain(k->r, FINDING_ERROR, at(k, "tls", "server_name"), "\"%.80s\" is not a host name", name);
    if (name == NULL && k->u->tls.expect.n == 0 && has_unix_target(k->u))
        complain(k, at(k, "tls", NULL), "a unix socket has no host name to verify: give server_name or expect");
}

void config_check_choices(const struct config_reader *r, const struct config_strings *choices, const config_setting_t *place)
{
    enum { CHOICES_MAX = 32 };
    if (choices->n > CHOICES_MAX)
        config_read_complain(r, FINDING_ERROR, place, "%zu names: at most %d", choices->n, CHOICES_MAX);
    for (size_t i = 0; i < choices->n; i++) {
        config_names_check(r, CONFIG_NAMES_IDENTITY, choices->items[i], place);
        for (size_t j = 0; j < i; j++)
            if (strcmp(choices->items[i], choices->items[j]) == 0)
                config_read_complain(r, FINDING_ERROR, place, "\"%.80s\" is given twice", choices->items[i]);
    }
}

static void check_choices(const struct look *k)
{
    const config_setting_t *place = at(k, "tls", "identities");
    if (config_read_given(k->group, "tls", "identity"))
        complain(k, place, "goes instead of identity: put that one first into this list");
    config_check_choices(k->r, &k->u->tls.choices, place);
}

static void check_asked_later(const struct look *k)
{
    const struct config_tls *tls = &k->u->tls;
    const char *key = tls->post_handshake_auth ? "post_handshake_auth" : "renegotiation";
    if (!config_tls_asked_later(tls) || config_read_is_tainted(k->group))
        return;
    if (tls->identity == NULL)
        complain(k, at(k, "tls", key), "without an identity there is no certificate to request: give identity, or leave this out");
    if (offers_http2(tls))
        complain(k, at(k, "tls", "alpn"), "HTTP/2 forbids to request a certificate later: leave out \"h2\", or post_handshake_auth and renegotiation");
    if (tls->post_handshake_auth && tls->max_version == CONFIG_TLS_1_2)
        complain(k, at(k, "tls", "post_handshake_auth"), "has no effect in TLS 1.2: set renegotiation, or raise max_version");
    if (tls->renegotiation && tls->min_version == CONFIG_TLS_1_3)
        complain(k, at(k, "tls", "renegotiation"), "has no effect in TLS 1.3: set post_handshake_auth, or lower min_version");
}

static void check_tls(const struct look *k)
{
    const struct config_tls *tls = &k->u->tls;
    if (tls->choices.n == 0)
        config_names_check(k->r, CONFIG_NAMES_IDENTITY, tls->identity, at(k, "tls", "identity"));
    else
        check_choices(k);
    config_names_check(k->r, CONFIG_NAMES_TRUST, tls->trust, at(k, "tls", "trust"));
    check_server_name(k);
    if (tls->require_client_auth && tls->identity == NULL && !config_read_is_tainted(k->group))
        complain(k, at(k, "tls", "require_client_auth"),
                 "without an identity there is no certificate to request: give identity, or leave this out");
    check_asked_later(k);
}

void config_check_upstream(const struct config_reader *r, size_t upstream)
{
    const struct look k = {r, &r->config->upstreams[upstream], config_read_group_at(r, "upstreams", upstream)};
    if (k.u->tls.present)
        check_tls(&k);
    else if (!config_read_given(k.group, "tls", NULL))
        check_plaintext_targets(&k);
    if (config_read_is_tainted(k.group))
        return;
    check_targets(&k);
    check_sticky(&k);
    check_health(&k);
    check_proxy(&k);
    check_spare(&k);
    check_age(&k);
    check_http2(&k);
}
