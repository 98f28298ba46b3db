/* SPDX-License-Identifier: Apache-2.0 */
#include "config_check.h"

#include "config_names.h"
#include "config_words.h"
#include "mtlsd/base/hostname.h"

#include <string.h>

const char *config_check_public(const struct config_listener *l)
{
    if (l->n_allow > 0 && !l->allow_log_only)
        return "the public CAs of this machine (\"system\") issue certificates to everyone, so that only allow keeps clients out: name the CA of your clients";
    return "the public CAs of this machine (\"system\") issue certificates to everyone, and all these clients are accepted: name the CA of your clients";
}

struct look { /* at one listener's identities */
    const struct config_reader *r;
    const struct config_listener *l;
    const config_setting_t *group, *list; /* of the listener, and of the identities; list NULL: there are none */
};

static const config_setting_t *at(const struct look *k, size_t i, const char *key)
{
    return config_read_at(config_setting_get_elem(k->list, (unsigned)i), key, NULL, NULL);
}

/* ---- names ---- */

static bool is_address(const char *host)
{
    const char *last = strrchr(host, '.');
    last = last != NULL ? last + 1 : host;
    return strchr(host, ':') != NULL || (last[0] != '\0' && last[strspn(last, "0123456789")] == '\0');
}

static bool is_same(const char *a, const char *b)
{
    return span_equals_nocase(hostname_without_last_dot(span_from_str(a)), hostname_without_last_dot(span_from_str(b)));
}

static void check_twice(const struct look *k, size_t i, size_t host)
{
    const struct config_sni *all = k->l->tls.identities;
    const char *name = all[i].hosts.items[host];
    for (size_t before = 0; before <= i; before++) {
        size_t n = before < i ? all[before].hosts.n : host;
        for (size_t h = 0; h < n; h++) {
            if (!is_same(all[before].hosts.items[h], name))
                continue;
            config_read_complain(k->r, FINDING_ERROR, at(k, i, "hosts"), "\"%.80s\" is taken already, at %.200s", name, all[before].where);
            return;
        }
    }
}

static void check_hosts(const struct look *k, size_t i)
{
    const struct config_strings *hosts = &k->l->tls.identities[i].hosts;
    for (size_t h = 0; h < hosts->n; h++) {
        const char *why = config_words_host_refusal(hosts->items[h], true, false);
        if (why == NULL && is_address(hosts->items[h]))
            why = "server names are never addresses: give identity beside identities for clients that send none";
        if (why != NULL)
            config_read_complain(k->r, FINDING_ERROR, at(k, i, "hosts"), "\"%.80s\": %s", hosts->items[h], why);
        else
            check_twice(k, i, h);
    }
}

/* ---- rules ---- */

static void check_rules(const struct look *k, size_t i)
{
    const struct config_sni *sni = &k->l->tls.identities[i];
    if (sni->trust == NULL && sni->client_cert != CONFIG_CLIENT_CERT_NONE)
        config_read_complain(k->r, FINDING_ERROR, at(k, i, "client_cert"), "needs a trust to verify the certificate with");
    else if (sni->tolerate != 0 && sni->client_cert == CONFIG_CLIENT_CERT_NONE)
        config_read_complain(k->r, FINDING_ERROR, at(k, i, "tolerate"), "needs a trust and client_cert \"required\" or \"optional\": no certificate is requested here");
    else if (sni->tolerate != 0 && k->l->tls.tolerate == 0 && k->l->protocol == CONFIG_PROTOCOL_TCP)
        config_read_complain(k->r, FINDING_ERROR, at(k, i, "tolerate"), "needs protocol = \"http\": tcp has no routes for such certificates");
}

static void check_public(const struct look *k, size_t i)
{
    const struct config_sni *sni = &k->l->tls.identities[i];
    bool shared = sni->trust != NULL && k->l->tls.trust != NULL && strcmp(sni->trust, k->l->tls.trust) == 0; /* said of the listener */
    if (sni->trust != NULL && !shared && sni->client_cert != CONFIG_CLIENT_CERT_NONE && config_tls_trusts_anybody(k->r->config, sni->trust))
        config_read_complain(k->r, FINDING_WARNING, at(k, i, "trust"), "%s", config_check_public(k->l));
}

static int strictness(const struct config_tls *policy)
{
    if (policy->trust == NULL || policy->client_cert == CONFIG_CLIENT_CERT_NONE)
        return 0;
    return policy->client_cert == CONFIG_CLIENT_CERT_OPTIONAL ? 1 : 2;
}

/* The one policy accepts a client that the other refuses. Two trusts cannot be compared. */
static bool is_laxer(const struct config_tls *policy, const struct config_tls *than)
{
    int mine = strictness(policy), theirs = strictness(than);
    return mine < theirs || (theirs > 0 && (policy->tolerate & ~than->tolerate) != 0);
}

/* The client chooses its rules by the server name that it sends, or by sending none (security A8). */
static void check_otherwise(const struct look *k)
{
    const struct config_tls *tls = &k->l->tls, otherwise = config_tls_policy(tls, tls->n_identities);
    for (size_t i = 0; tls->identity != NULL && i < tls->n_identities; i++) {
        struct config_tls named = config_tls_policy(tls, i);
        if (!is_laxer(&otherwise, &named))
            continue;
        config_read_complain(k->r, FINDING_WARNING, config_read_at(k->group, "tls", "identity", NULL),
                             "clients that send no server name or an unknown one have laxer rules than those at %.200s, and reach all routes without "
                             "a host: leave identity out to refuse them, or give them the same rules",
                             tls->identities[i].where);
        return;
    }
}

/* In tcp there is no Host to compare: every client can choose the laxest rules. */
static void check_tcp(const struct look *k)
{
    const struct config_tls *tls = &k->l->tls;
    for (size_t i = 0; k->l->n_routes <= 1 && i < tls->n_identities; i++) {
        struct config_tls lax = config_tls_policy(tls, i);
        for (size_t n = 0; n < config_tls_policies(tls); n++) {
            struct config_tls strict = config_tls_policy(tls, n);
            if (!is_laxer(&lax, &strict))
                continue;
            config_read_complain(k->r, FINDING_WARNING, config_setting_get_elem(k->list, (unsigned)i),
                                 "has laxer rules than others of this listener, and leads to the same upstream: clients avoid the others with this name");
            return;
        }
    }
}

static void check_listener(const struct look *k)
{
    if (k->l->forward_proxy.present)
        config_read_complain(k->r, FINDING_ERROR, config_read_at(k->group, "forward_proxy", NULL, NULL),
                             "needs one identity for all clients: the hosts of its requests are targets, not server names");
    check_otherwise(k);
    if (k->l->protocol == CONFIG_PROTOCOL_TCP)
        check_tcp(k);
}

void config_check_sni(const struct config_reader *r, size_t listener)
{
    const struct config_listener *l = &r->config->listeners[listener];
    const config_setting_t *group = config_read_group_at(r, "listeners", listener);
    bool listed;
    const config_setting_t *list = config_read_at(group, "tls", "identities", &listed);
    const struct look k = {r, l, group, list};
    if (l->tls.present && l->tls.identity == NULL && !listed && !config_read_is_tainted(config_read_at(group, "tls", NULL, NULL)))
        config_read_complain(r, FINDING_ERROR, config_read_at(group, "tls", NULL, NULL),
                             "identity is missing, write for example: identity = \"server\"; or several by server name in identities");
    for (size_t i = 0; listed && i < l->tls.n_identities; i++) {
        if (l->tls.identities[i].choices.n == 0)
            config_names_check(r, CONFIG_NAMES_IDENTITY, l->tls.identities[i].identity, at(&k, i, "identity"));
        else
            config_check_choices(r, &l->tls.identities[i].choices, at(&k, i, "identity"));
        if (l->tls.trust == NULL || strcmp(l->tls.identities[i].trust, l->tls.trust) != 0)
            config_names_check(r, CONFIG_NAMES_TRUST, l->tls.identities[i].trust, at(&k, i, "trust"));
        if (config_read_is_tainted(config_setting_get_elem(list, (unsigned)i)))
            continue;
        check_hosts(&k, i);
        check_rules(&k, i);
        check_public(&k, i);
    }
    if (l->tls.n_identities > 0 && !config_read_is_tainted(group))
        check_listener(&k);
}
