/* SPDX-License-Identifier: Apache-2.0 */
#include "config_check.h"
#include "config_check_respond.h"

#include "config_cover.h"
#include "config_names.h"
#include "config_words.h"
#include "mtlsd/base/reasons.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct look { /* at one route of a listener */
    const struct config_reader *r;
    const struct config_listener *l;
    const struct config_route *route;
    const config_setting_t *group;
    bool knows_tls; /* the listener's tls was read without an error */
    const struct config_cover_table *table; /* of the listener's routes */
};

static void complain(const struct look *k, const char *key, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void complain(const struct look *k, const char *key, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    config_read_complain(k->r, FINDING_ERROR, config_read_at(k->group, key, NULL, NULL), "%s", text);
}

static void warn_idle(const struct look *k, const char *key, const char *why)
{
    if (config_read_given(k->group, key, NULL))
        config_read_complain(k->r, FINDING_WARNING, config_read_at(k->group, key, NULL, NULL), "has no effect: %s", why);
}

/* ---- matches ---- */

static void check_hosts(const struct look *k)
{
    const char *why, *key = k->l->protocol == CONFIG_PROTOCOL_TCP ? "sni" : "host";
    for (size_t i = 0; i < k->route->host.n; i++) {
        const char *host = k->route->host.items[i];
        if (strcmp(host, "*") == 0)
            complain(k, key, "\"*\" is every host: leave %s out", key);
        else if ((why = config_words_host_refusal(host, true, false)) != NULL)
            complain(k, key, "\"%.80s\": %s", host, why);
    }
}

static void check_methods(const struct look *k)
{
    char pattern[CONFIG_PATTERN_TEXT];
    for (size_t i = 0; i < k->route->method.n; i++)
        if (config_pattern_is_method(k->route->method.items[i], pattern))
            complain(k, "method", "\"%.40s\": %s", k->route->method.items[i], pattern);
        else if (!config_words_is_method(k->route->method.items[i]))
            complain(k, "method", "\"%.40s\" is not a method: they are written in capitals, as in \"GET\"", k->route->method.items[i]);
}

/* A gate takes the path without its last slash as well (security C12), a route that only forwards does not. */
static void check_last_slash(const struct look *k)
{
    size_t n = k->route->path != NULL ? strlen(k->route->path) : 0;
    if (n > 1 && k->route->path[n - 1] == '/' && k->route->upstream != NULL && k->route->n_allow == 0)
        config_read_complain(k->r, FINDING_NOTE, config_read_at(k->group, "path", NULL, NULL),
                             "\"%.80s\" matches only what is below it, not \"%.*s\" itself: leave out the last slash to match both", k->route->path,
                             n > 80 ? 80 : (int)n - 1, k->route->path);
}

static void check_path(const struct look *k)
{
    const char *path = k->route->path, *strip = k->route->strip_prefix;
    const char *why = path != NULL ? config_words_path_refusal(path) : NULL;
    char pattern[CONFIG_PATTERN_TEXT];
    if (path != NULL && config_pattern_is_path(path, pattern)) /* it would never match, and a gate with it would protect nothing */
        complain(k, "path", "\"%.80s\": %s", path, pattern);
    else if (why != NULL)
        complain(k, "path", "\"%.80s\" is not a valid path: %s", path, why);
    check_last_slash(k);
    if (path == NULL)
        warn_idle(k, "path_case", "there is no path");
    if (strip == NULL)
        return;
    size_t n = strlen(strip);
    if (strip[0] != '/' || strcmp(strip, "/") == 0)
        complain(k, "strip_prefix", "\"%.80s\" cannot be stripped: write what the path begins with, as in \"/api\"", strip);
    else if (path == NULL)
        complain(k, "strip_prefix", "needs path: only a path that begins with \"%.80s\" can lose it", strip);
    else if (strncmp(path, strip, n) != 0 || (strip[n - 1] != '/' && path[n] != '/' && path[n] != '\0'))
        complain(k, "strip_prefix", "path \"%.80s\" does not begin with \"%.80s\" and a segment's end", path, strip);
}

static void check_log_only(const struct look *k)
{
    if (!k->route->allow_log_only)
        return;
    if (k->route->n_allow == 0)
        warn_idle(k, "allow_log_only", "there is no allow");
    else
        config_read_complain(k->r, FINDING_WARNING, config_read_at(k->group, "allow_log_only", NULL, NULL),
                             "clients that allow refuses pass, and are only logged and counted");
}

static void check_certificates(const struct look *k)
{
    static const char *const keys[] = {"cert", "caller", "allow"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && !config_tls_asks(&k->l->tls); i++)
        if (config_read_given(k->group, keys[i], NULL))
            complain(k, keys[i], "needs a listener with tls, a trust and client_cert \"required\" or \"optional\": no certificate is requested here");
    if (!config_tls_asks(&k->l->tls) || k->route->cert == 0 || (k->route->cert & config_tls_statuses(&k->l->tls)) != 0)
        return;
    if (k->route->cert == UINT64_C(1) << REASON_NONE)
        complain(k, "cert", "never matches: with client_cert = \"required\" every client has a certificate; write client_cert = \"optional\"");
    else
        complain(k, "cert", "never matches: the handshake refuses such certificates, as tls.tolerate does not name this status");
}

/* ---- actions ---- */

static void check_action(const struct look *k)
{
    static const char *const keys[] = {"upstream", "redirect", "respond", "serve", "deny"};
    const char *first = NULL;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (!config_read_given(k->group, keys[i], NULL))
            continue;
        if (first != NULL)
            complain(k, keys[i], "%s already says what to do: keep one of the two", first);
        else
            first = keys[i];
    }
    if (first == NULL)
        complain(k, NULL, "it has no action: give one of upstream, redirect, respond, serve and deny = true");
    else if (strcmp(first, "deny") == 0 && k->route->respond == 0)
        complain(k, "deny", "false denies nothing: write deny = true, or another action");
}

static void check_answer(const struct look *k)
{
    if (k->route->respond >= 300 && k->route->respond < 400)
        complain(k, "respond", "%u is a redirect: write redirect = \"...\" and redirect_status", k->route->respond);
    if (k->route->redirect == NULL)
        warn_idle(k, "redirect_status", "there is no redirect");
    static const char *const edits[] = {"set_headers", "remove_headers", "strip_prefix", "set_host"};
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]) && (k->route->upstream == NULL || k->route->serve != CONFIG_SERVE_NONE); i++)
        warn_idle(k, edits[i], "nothing is forwarded");
}

static bool is_removed(const struct config_route *route, const char *name)
{
    for (size_t i = 0; i < route->remove_headers.n; i++)
        if (strcasecmp(route->remove_headers.items[i], name) == 0)
            return true;
    return false;
}

static bool is_set_before(const struct config_route *route, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcasecmp(route->set_headers[i].name, route->set_headers[index].name) == 0)
            return true;
    return false;
}

static struct config_text_place place_of(const struct look *k, const char *key, const char *inner)
{
    return (struct config_text_place){k->r, k->l, config_read_at(k->group, key, inner, NULL), k->knows_tls};
}

static void check_texts(const struct look *k)
{
    const struct config_text_place redirect = place_of(k, "redirect", NULL);
    if (k->route->redirect != NULL)
        config_check_location(&redirect, k->route->redirect);
    const struct config_text_place body = place_of(k, "respond", "body");
    config_check_respond(&body, k->route, k->group);
    for (size_t i = 0; i < k->route->n_set_headers; i++) {
        const struct config_text_place field = place_of(k, "set_headers", k->route->set_headers[i].name);
        config_check_text(&field, k->route->set_headers[i].value);
    }
}

static void check_fields(const struct look *k)
{
    const struct config_route *route = k->route;
    const char *why;
    for (size_t i = 0; i < route->n_set_headers; i++) {
        const char *name = route->set_headers[i].name;
        if ((why = config_words_field_refusal(name)) != NULL)
            complain(k, "set_headers", "%.80s cannot be set by a route: %s", name, why);
        else if (is_set_before(route, i))
            complain(k, "set_headers", "%.80s is set already: letter case does not matter in names of fields", name);
        else if (is_removed(route, name))
            complain(k, "remove_headers", "%.80s is also in set_headers, which replaces the incoming field: leave it out", name);
    }
    for (size_t i = 0; i < route->remove_headers.n; i++)
        if ((why = config_words_field_refusal(route->remove_headers.items[i])) != NULL)
            complain(k, "remove_headers", "%.80s cannot be removed by a route: %s", route->remove_headers.items[i], why);
}

/* ---- where it leads ---- */

/* On a big farm behind many listeners: each bind against each target, of which both are few. */
static void check_loop(const struct look *k)
{
    const struct config_upstream *u = k->route->upstream != NULL ? config_find_upstream(k->r->config, k->route->upstream) : NULL;
    for (size_t i = 0; u != NULL && i < k->l->n_bind * u->n_targets; i++)
        if (address_same(&k->l->bind[i / u->n_targets], &u->targets[i % u->n_targets].address))
            complain(k, "upstream", "its target is this listener's own address \"%.200s\": it would call itself", k->l->bind_text[i / u->n_targets]);
}

/* One with an error in it may seem to take all, only because what it takes could not be read. */
static bool was_read(const struct look *k, const struct config_route *route)
{
    return !config_read_is_tainted(config_setting_get_elem(config_setting_parent(k->group), (unsigned)(route - k->l->routes)));
}

/* The first route before it that takes all it could get. */
static void check_reach(const struct look *k)
{
    const struct config_route *before = config_cover_table_before(k->table, k->route, k->route, config_tls_statuses(&k->l->tls));
    if (before != NULL && was_read(k, before))
        complain(k, NULL, "is never reached: the route at %.200s matches everything that this one matches; put this one before it", before->where);
}

/* Whether what a caller with this status asks for next, who was sent to this path, ends here again. */
static bool comes_back(const struct look *k, const char *path, uint64_t status)
{
    char *get[] = {"GET"};
    struct config_route next = *k->route;
    next.path = (char *)(uintptr_t)path;
    next.cert = status;
    next.method = (struct config_strings){get, 1};
    return config_cover(k->route, &next, status) && config_cover_table_before(k->table, k->route, &next, status) == NULL;
}

/* The page that a caller is sent to must be served by a route before. */
static void check_circle(const struct look *k)
{
    char path[256];
    const char *to = k->route->redirect;
    uint64_t possible = config_tls_statuses(&k->l->tls);
    size_t n = to != NULL && to[0] == '/' && to[1] != '/' ? strcspn(to, "?#") : 0;
    if (n == 0 || memchr(to, '{', n) != NULL || n >= sizeof(path))
        return;
    snprintf(path, sizeof(path), "%.*s", (int)n, to);
    for (unsigned i = 0; i < REASON_COUNT; i++) {
        uint64_t status = UINT64_C(1) << i;
        bool takes = (possible & status) != 0 && (k->route->cert == 0 || (k->route->cert & status) != 0);
        if (!takes || !comes_back(k, path, status))
            continue;
        config_read_complain(k->r, FINDING_WARNING, config_read_at(k->group, "redirect", NULL, NULL),
                             "a caller who is sent to \"%.80s\" comes back to this route and is sent there again: put a route with path = \"%.80s\" before it "
                             "that serves the page",
                             to, path);
        return;
    }
}

/* Where the request goes is all that this route decides about it. */
static bool only_forwards(const struct config_route *route)
{
    return route->upstream != NULL && route->n_allow == 0 && route->n_set_headers == 0 && route->remove_headers.n == 0 && route->strip_prefix == NULL &&
           !route->set_host_given;
}

/* A match by a good certificate that was meant as a gate: who does not match it goes the same way by a later route. (One by a bad certificate is a
 * page for those who have it; that others find it too is no harm.) */
static void check_gate(const struct look *k)
{
    const uint64_t possible = config_tls_statuses(&k->l->tls);
    const struct config_route *end = k->l->routes + k->l->n_routes;
    if (((k->route->cert >> REASON_VALID & 1) == 0 && k->route->n_caller == 0) || !only_forwards(k->route))
        return;
    struct config_route others = *k->route;
    others.caller = NULL;
    others.n_caller = 0;
    uint64_t left = k->route->n_caller > 0 ? possible : possible & ~k->route->cert;
    for (const struct config_route *next = k->route + 1; next < end && left != 0; next++) {
        others.cert = next->cert != 0 ? left & next->cert : left;
        if (others.cert == 0 || !config_cover(next, &others, possible))
            continue;
        if (only_forwards(next) && strcmp(next->upstream, k->route->upstream) == 0 && was_read(k, next)) {
            config_read_complain(k->r, FINDING_WARNING, config_read_at(k->group, k->route->cert != 0 ? "cert" : "caller", NULL, NULL),
                                 "protects nothing: other clients reach the same upstream by the route at %.200s. Use allow instead, or add a route after "
                                 "this one that matches the same and responds 403",
                                 next->where);
            return;
        }
        left &= ~others.cert;
    }
}

static void check_stripped(const struct look *k)
{
    const struct config_route *gate = config_gate_passed(k->l, k->table, k->route, config_tls_statuses(&k->l->tls));
    if (gate == NULL || !was_read(k, gate))
        return;
    const char *strip = k->route->strip_prefix;
    complain(k, "strip_prefix", "leads past the route at %.200s to \"%.80s\" of upstream \"%.80s\": put a route with path = \"%.80s%s\" and the same rules before this one%s",
             gate->where, gate->path, k->route->upstream, strip, gate->path + (strip[strlen(strip) - 1] == '/' ? 1 : 0),
             gate->n_allow > 0 ? ", and the same strip_prefix, or give this one the same allow" : "");
}

/* Statuses that only revocation lists bring about. */
static void check_lists(const struct look *k)
{
    const uint64_t of_lists = UINT64_C(1) << REASON_REVOKED | UINT64_C(1) << REASON_CRL_MISSING | UINT64_C(1) << REASON_CRL_STALE;
    const struct config_tls *tls = &k->l->tls;
    const struct config_trust *trust = tls->trust != NULL && tls->n_identities == 0 ? config_find_trust(k->r->config, tls->trust) : NULL;
    if (trust == NULL || trust->crl.n > 0 || trust->crl_fetch || k->route->cert == 0 || (k->route->cert & ~of_lists) != 0)
        return;
    config_read_complain(k->r, FINDING_WARNING, config_read_at(k->group, "cert", NULL, NULL),
                         "never matches: trust \"%.80s\" has no revocation list; give it one with crl = \"FILE\"", tls->trust);
}

static void check_route(const struct look *k)
{
    config_names_check(k->r, CONFIG_NAMES_UPSTREAM, k->route->upstream, config_read_at(k->group, "upstream", NULL, NULL));
    check_loop(k);
    if (config_read_is_tainted(k->group))
        return;
    check_action(k);
    check_answer(k);
    check_hosts(k);
    check_methods(k);
    check_path(k);
    check_fields(k);
    check_texts(k);
    check_log_only(k);
    if (k->knows_tls) {
        check_certificates(k);
        check_lists(k);
        check_reach(k);
        check_gate(k);
        check_stripped(k);
        check_circle(k);
    }
}

/* ---- what a tolerated certificate can reach ---- */

static void check_tolerated(struct look *k, const config_setting_t *routes)
{
    static const char *const words[] = {[REASON_EXPIRED] = "expired", [REASON_NOT_YET_VALID] = "not_yet_valid", [REASON_REVOKED] = "revoked",
                                        [REASON_UNKNOWN_CA] = "unknown_ca", [REASON_WRONG_PURPOSE] = "wrong_purpose", [REASON_WEAK] = "weak",
                                        [REASON_CRL_MISSING] = "crl_missing", [REASON_CRL_STALE] = "crl_stale", [REASON_CONSTRAINT] = "constraint"};
    for (unsigned s = REASON_EXPIRED; s < sizeof(words) / sizeof(words[0]); s++) {
        const struct config_route *route = (config_tls_statuses(&k->l->tls) >> s & 1) != 0 ? config_leak(k->l, k->table, UINT64_C(1) << s) : NULL;
        if (route == NULL)
            continue;
        if (routes != NULL)
            k->group = config_setting_get_elem(routes, (unsigned)(route - k->l->routes));
        complain(k, "upstream", "a certificate that is %s, which tls.tolerate accepts, would reach this upstream without a cert key: "
                 "put { cert = \"%s\"; redirect = \"...\"; } or respond before it, or cert = \"valid\" here", words[s], words[s]);
        return; /* one sentence for all of them */
    }
}

static void check_listed(struct look k, const config_setting_t *routes)
{
    for (size_t i = 0; i < k.l->n_routes; i++) {
        k.route = &k.l->routes[i];
        k.group = config_setting_get_elem(routes, (unsigned)i);
        check_route(&k);
    }
}

/* upstream = "X" has all its keys right. */
static void check_only(const struct look *k)
{
    if (k->l->n_routes != 1)
        return;
    config_names_check(k->r, CONFIG_NAMES_UPSTREAM, k->l->upstream, config_read_at(k->group, "upstream", NULL, NULL));
    check_loop(k);
}

void config_check_routes(const struct config_reader *r, size_t listener)
{
    const struct config_listener *l = &r->config->listeners[listener];
    const config_setting_t *group = config_read_group_at(r, "listeners", listener);
    bool listed, encrypted;
    const config_setting_t *tls = config_read_at(group, "tls", NULL, &encrypted);
    const config_setting_t *routes = config_read_at(group, "routes", NULL, &listed);
    struct config_cover_table *table = config_cover_table_new(l->routes, l->n_routes);
    struct look k = {r, l, l->routes, group, !encrypted || !config_read_is_tainted(tls), table};
    if (table == NULL) {
        complain(&k, NULL, "out of memory");
        return;
    }
    if (l->upstream != NULL && listed)
        complain(&k, "upstream", "give either upstream or routes: a last route without a match takes the rest");
    else if (l->upstream == NULL && !listed && !config_read_is_tainted(group))
        complain(&k, NULL, "upstream is missing, write for example: upstream = \"NAME\"; or routes = ( { ... } );");
    if (listed)
        check_listed(k, routes);
    else
        check_only(&k);
    if (k.knows_tls && !config_read_is_tainted(group) && config_tls_asks(&l->tls) && l->protocol == CONFIG_PROTOCOL_HTTP)
        check_tolerated(&k, listed ? routes : NULL);
    config_cover_table_free(table);
}
