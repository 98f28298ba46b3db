/* SPDX-License-Identifier: Apache-2.0 */
#include "config_check.h"

#include "config_names.h"
#include "config_words.h"

#include <string.h>
#include <strings.h>

struct look { /* at one listener */
    const struct config_reader *r;
    const struct config_listener *l;
    const config_setting_t *group;
};

static const config_setting_t *at(const struct look *k, const char *key, const char *inner)
{
    return config_read_at(k->group, key, inner, NULL);
}

static void complain(const struct look *k, enum finding_level level, const char *key, const char *inner, const char *text)
{
    config_read_complain(k->r, level, at(k, key, inner), "%s", text);
}

/* Whether the block's own rules apply to clients: with identities and no identity beside them they are only defaults. */
static bool is_served(const struct config_tls *tls)
{
    return tls->n_identities == 0 || tls->identity != NULL;
}

/* Clients from other hosts can use it as a proxy without a certificate. */
static bool is_open_proxy(const struct config_listener *l)
{
    return l->forward_proxy.present && l->tls.present && l->tls.client_cert != CONFIG_CLIENT_CERT_REQUIRED;
}

static void warn_of_exposure(const struct look *k, const char *bind)
{
    const struct config_listener *l = k->l;
    const char *too = l->forward_proxy.present ? ", also as a proxy" : "", *more = "";
    bool by_user = l->allow_uids.n + l->allow_gids.n > 0, by_secret = l->required_header != NULL;
    if (!by_user && !by_secret)
        more = l->protocol == CONFIG_PROTOCOL_HTTP ? ": add require_header for programs of other hosts, or allow_uids for programs of this host alone"
                                                   : ": add allow_uids for programs of this host alone";
    if (by_user)
        config_read_complain(k->r, FINDING_WARNING, at(k, "insecure_expose", NULL),
                             "other hosts can reach \"%.200s\", and allow_uids or allow_gids refuse all of their connections", bind);
    else
        config_read_complain(k->r, FINDING_WARNING, at(k, "insecure_expose", NULL), "every host that reaches \"%.200s\"%s is served in plaintext%s%s", bind,
                             by_secret ? " and knows the value of require_header, which crosses the network in plaintext," : "", too, more);
}

static void check_exposure(const struct look *k)
{
    const struct config_listener *l = k->l;
    size_t exposed = 0;
    for (size_t i = 0; i < l->n_bind && !l->tls.present && !l->passthrough; i++) {
        if (address_is_loopback(&l->bind[i]) && !(l->insecure_expose && l->bind[i].kind == ADDRESS_SYSTEMD))
            continue;
        exposed++;
        if (l->insecure_expose)
            warn_of_exposure(k, l->bind_text[i]);
        else
            config_read_complain(k->r, FINDING_ERROR, at(k, "bind", NULL),
                                 "\"%.200s\" is plaintext beyond this host: give the listener a tls block, bind to 127.0.0.1, or accept it with "
                                 "insecure_expose = true (and limit it by %s)",
                                 l->bind_text[i], l->protocol == CONFIG_PROTOCOL_HTTP ? "require_header or allow_uids" : "allow_uids");
    }
    if (is_open_proxy(l) && l->insecure_expose)
        complain(k, FINDING_WARNING, "insecure_expose", NULL, "every client can use this listener as a proxy, without a certificate");
    else if (is_open_proxy(l))
        complain(k, FINDING_ERROR, "forward_proxy", NULL,
                 "every client could use this listener as a proxy: give tls a trust and client_cert = \"required\", serve plaintext on "
                 "127.0.0.1 only, or accept it with insecure_expose = true");
    else if (l->insecure_expose && exposed == 0)
        complain(k, FINDING_WARNING, "insecure_expose", NULL, "is not needed here: leave it out");
}

/* Callers by the public CAs. */
static void check_public(const struct look *k)
{
    const struct config_listener *l = k->l;
    if (l->tls.trust != NULL && config_tls_asks(&l->tls) && config_tls_trusts_anybody(k->r->config, l->tls.trust))
        complain(k, FINDING_WARNING, "tls", "trust", config_check_public(l));
}

/* Keys that need a verified caller, and so a trust and a request for a certificate. */
static void check_client_cert(const struct look *k)
{
    const struct config_listener *l = k->l;
    const char *missing = !l->tls.present ? "tls with a trust" : l->tls.trust == NULL ? "a trust in tls" : "client_cert other than \"none\"";
    if (is_served(&l->tls) && l->tls.trust == NULL && l->tls.client_cert != CONFIG_CLIENT_CERT_NONE)
        complain(k, FINDING_ERROR, "tls", "client_cert", "needs a trust to verify the certificate with");
    if (l->tls.trust != NULL && !config_tls_asks(&l->tls) && l->tls.tolerate == 0)
        complain(k, FINDING_WARNING, "tls", "client_cert", "no certificate is requested, so the trust has no effect");
    if (l->tls.tolerate != 0 && !config_tls_asks(&l->tls))
        complain(k, FINDING_ERROR, "tls", "tolerate", "needs a trust and client_cert \"required\" or \"optional\": no certificate is requested here");
    else if (l->tls.tolerate != 0 && l->protocol == CONFIG_PROTOCOL_TCP)
        complain(k, FINDING_ERROR, "tls", "tolerate", "needs protocol = \"http\": tcp has no routes for such certificates");
    if (l->n_allow > 0 && !config_tls_asks(&l->tls))
        config_read_complain(k->r, FINDING_ERROR, at(k, "allow", NULL), "rules need %s: no client is verified here", missing);
    if (l->allow_log_only && l->n_allow == 0)
        complain(k, FINDING_WARNING, "allow_log_only", NULL, "has no effect without allow");
    else if (l->allow_log_only)
        complain(k, FINDING_WARNING, "allow_log_only", NULL, "clients that allow refuses are accepted, and only logged and counted");
    if (l->identity_headers != 0 && !config_tls_asks(&l->tls))
        config_read_complain(k->r, FINDING_ERROR, at(k, "identity_headers", NULL), "needs %s: no client is verified here", missing);
}

static void check_xfcc(const struct look *k)
{
    const struct config_listener *l = k->l;
    bool preset = (l->identity_headers & CONFIG_HEADERS_XFCC) != 0, always = l->xfcc == CONFIG_XFCC_ALWAYS_FORWARD_ONLY;
    if (!preset && l->xfcc != CONFIG_XFCC_SANITIZE_SET)
        complain(k, FINDING_ERROR, "xfcc", NULL, "has no effect without the preset \"xfcc\" in identity_headers");
    if (!preset && l->xfcc_details != 0)
        complain(k, FINDING_ERROR, "xfcc_details", NULL, "has no effect without the preset \"xfcc\" in identity_headers");
    if (always && !l->insecure_xfcc)
        complain(k, FINDING_ERROR, "xfcc", NULL,
                 "any client could claim any identity: use \"forward_only\", which needs a valid certificate, or accept this with insecure_xfcc = true");
    if (always && l->insecure_xfcc)
        complain(k, FINDING_WARNING, "insecure_xfcc", NULL, "any client of this listener can claim any identity");
    if (l->insecure_xfcc && !always)
        complain(k, FINDING_WARNING, "insecure_xfcc", NULL, "is not needed here: leave it out");
}

/* Keys that only http has. */
static void check_protocol(const struct look *k)
{
    const struct config_listener *l = k->l;
    const struct {
        bool given;
        const char *key, *why;
    } rows[] = {
        {l->identity_headers != 0, "identity_headers", "tcp has no headers"},
        {l->forwarded != CONFIG_FORWARDED_OFF, "forwarded", "tcp has no headers"},
        {l->trusted_proxies.n > 0 || l->trusted_proxies.sockets, "trusted_proxies", "tcp has no headers"},
        {l->forward_proxy.present, "forward_proxy", "tcp has no requests"},
        {l->required_header != NULL, "require_header", "tcp has no headers"},
        {l->hosts.n > 0, "hosts", "tcp has no headers"},
        {l->allow_origins.n > 0, "allow_origins", "tcp has no headers"},
        {l->normalize_path, "normalize_path", "tcp has no requests"},
        {l->rewrite_location, "rewrite_location", "tcp has no headers"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && l->protocol == CONFIG_PROTOCOL_TCP; i++)
        if (rows[i].given)
            config_read_complain(k->r, FINDING_ERROR, at(k, rows[i].key, NULL), "needs protocol = \"http\": %s", rows[i].why);
}

static void check_trusted_proxies(const struct look *k)
{
    const struct config_listener *l = k->l;
    bool given = l->trusted_proxies.n > 0 || l->trusted_proxies.sockets;
    if (given && l->protocol == CONFIG_PROTOCOL_HTTP && l->forwarded == CONFIG_FORWARDED_OFF)
        complain(k, FINDING_ERROR, "trusted_proxies", NULL, "has no effect with forwarded = \"off\": every field passes unchanged then; write forwarded = \"x\"");
}

/* ---- what keeps web pages out ---- */

static void check_hosts(const struct look *k)
{
    const struct config_strings *hosts = &k->l->hosts, *origins = &k->l->allow_origins;
    const char *why;
    for (size_t i = 0; i < hosts->n; i++)
        if ((why = config_words_host_refusal(hosts->items[i], false, true)) != NULL)
            config_read_complain(k->r, FINDING_ERROR, at(k, "hosts", NULL), "\"%.80s\": %s", hosts->items[i], why);
    for (size_t i = 0; i < origins->n; i++)
        if ((why = config_words_origin_refusal(origins->items[i])) != NULL)
            config_read_complain(k->r, FINDING_ERROR, at(k, "allow_origins", NULL), "\"%.80s\": %s", origins->items[i], why);
    if (k->l->guards_browsers || k->l->protocol == CONFIG_PROTOCOL_TCP)
        return;
    static const char idle[] = "has no effect: only plaintext listeners on an internet address keep web pages out";
    if (hosts->n > 0)
        complain(k, FINDING_WARNING, "hosts", NULL, idle);
    if (origins->n > 0)
        complain(k, FINDING_WARNING, "allow_origins", NULL, idle);
}

/* ---- forward proxy ---- */

static bool names_a_host(const struct config_listener *l)
{
    for (size_t i = 0; i < l->n_routes; i++)
        if (l->routes[i].host.n > 0)
            return true;
    return false;
}

static void check_forward_proxy(const struct look *k)
{
    const struct config_forward_proxy *proxy = &k->l->forward_proxy;
    const char *why;
    for (size_t i = 0; i < proxy->direct.n; i++)
        if ((why = config_words_host_refusal(proxy->direct.items[i], true, true)) != NULL)
            config_read_complain(k->r, FINDING_ERROR, at(k, "forward_proxy", "direct"), "\"%.80s\": %s", proxy->direct.items[i], why);
    if (proxy->present && proxy->direct.n == 0 && proxy->unmatched == CONFIG_UNMATCHED_REFUSE && !names_a_host(k->l))
        complain(k, FINDING_ERROR, "forward_proxy", NULL,
                 "it reaches no host: give host in a route, or list hosts in direct");
}

static bool routes_a_host(const struct config_listener *l)
{
    for (size_t i = 0; i < l->n_routes; i++)
        if (l->routes[i].host.n > 0 && l->routes[i].upstream != NULL)
            return true;
    return false;
}

static void check_intercept(const struct look *k)
{
    const struct config_listener *l = k->l;
    const char *why = NULL;
    if (l->forward_proxy.intercept_ca == NULL && l->forward_proxy.intercept_key == NULL)
        return;
    if (l->forward_proxy.intercept_ca == NULL || l->forward_proxy.intercept_key == NULL)
        why = "give ca and key, the certificate and the private key of one CA";
    else if (l->tls.present)
        why = "needs a listener without tls: TLS inside of TLS is not served";
    else if (l->forward_proxy.connect != CONFIG_CONNECT_SNIFF)
        why = "needs connect = \"sniff\", which looks into tunnels";
    else if (!routes_a_host(l))
        why = "needs a route with host and upstream: the TLS of other hosts is not read";
    if (why != NULL)
        complain(k, FINDING_ERROR, "forward_proxy", "intercept", why);
}

/* Fields that the log may show, or that are read or written here themselves. */
static void check_required_header(const struct look *k)
{
    static const char *const taken[] = {"Cookie", "Referer", "User-Agent", "Traceparent", "Tracestate", "X-Request-Id", "Forwarded", "X-Forwarded-For",
                                        "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Origin"};
    const char *name = k->l->required_header, *why = name != NULL ? config_words_field_refusal(name) : NULL;
    if (why != NULL && strcasecmp(name, "Proxy-Authorization") == 0)
        why = k->l->forward_proxy.present ? NULL : "only programs of a forward proxy send it";
    for (size_t i = 0; name != NULL && why == NULL && i < sizeof(taken) / sizeof(taken[0]); i++)
        if (strcasecmp(name, taken[i]) == 0)
            why = "it has another meaning, or is logged";
    if (why != NULL)
        config_read_complain(k->r, FINDING_ERROR, at(k, "require_header", "name"), "\"%.80s\" cannot carry a secret: %s", name, why);
}

static void check_paths(const struct look *k)
{
    if (k->l->normalize_path && !k->l->has_path_rules && k->l->protocol == CONFIG_PROTOCOL_HTTP)
        complain(k, FINDING_WARNING, "normalize_path", NULL, "has no effect: no route matches by path, so the path is forwarded unchanged");
}

static void check_age(const struct look *k)
{
    if (k->l->max_age_ms == 0 && config_read_given(k->group, "timeouts", "max_connection_age_grace"))
        complain(k, FINDING_ERROR, "timeouts", "max_connection_age_grace", "has no effect without max_connection_age: give both, or leave it out");
}

void config_check_listener(const struct config_reader *r, size_t listener)
{
    const struct look k = {r, &r->config->listeners[listener], config_read_group_at(r, "listeners", listener)};
    if (k.l->tls.choices.n == 0)
        config_names_check(r, CONFIG_NAMES_IDENTITY, k.l->tls.identity, at(&k, "tls", "identity"));
    else
        config_check_choices(r, &k.l->tls.choices, at(&k, "tls", "identity"));
    config_names_check(r, CONFIG_NAMES_TRUST, k.l->tls.trust, at(&k, "tls", "trust"));
    if (config_read_is_tainted(k.group))
        return;
    check_exposure(&k);
    check_client_cert(&k);
    check_public(&k);
    check_xfcc(&k);
    check_protocol(&k);
    check_trusted_proxies(&k);
    check_hosts(&k);
    check_forward_proxy(&k);
    check_intercept(&k);
    check_required_header(&k);
    check_paths(&k);
    check_age(&k);
}
