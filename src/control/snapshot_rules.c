/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot_load.h"

#include "mtlsd/policy/allow.h"

#include <string.h>

enum { NAME_SIZE = 1024 };

static const struct tls_trust *find_trust(const struct snapshot *s, const char *name)
{
    const struct config_trust *conf = config_find_trust(s->config, name);
    if (conf != NULL)
        return s->trusts[conf - s->config->trusts].tls;
    return s->n_trusts > s->config->n_trusts ? s->trusts[s->config->n_trusts].tls : NULL;
}

/* A name that does not fit may be the one. */
static bool holds_ca(const struct tls_trust *trust, const char *issuer)
{
    char name[NAME_SIZE];
    size_t length;
    for (size_t i = 0; tls_trust_ca_subject(trust, i, name, sizeof(name), &length); i++)
        if (length >= sizeof(name) || allow_issuer_matches(issuer, name))
            return true;
    return false;
}

/* True also where a trust could not be loaded, which was said. */
static bool may_hold(const struct snapshot *s, const struct config_tls *tls, const char *issuer)
{
    for (size_t i = 0; i < config_tls_policies(tls); i++) {
        const struct config_tls policy = config_tls_policy(tls, i);
        const struct tls_trust *trust = policy.trust != NULL ? find_trust(s, policy.trust) : NULL;
        if (policy.trust != NULL && (trust == NULL || holds_ca(trust, issuer)))
            return true;
    }
    return false;
}

static bool has_registry(const struct config *config, const struct config_tls *tls)
{
    for (size_t i = 0; i < config_tls_policies(tls); i++) {
        const struct config_tls policy = config_tls_policy(tls, i);
        const struct config_trust *trust = policy.trust != NULL ? config_find_trust(config, policy.trust) : NULL;
        if (trust != NULL && trust->registry != NULL)
            return true;
    }
    return false;
}

static void check_rules(const struct snapshot *s, const struct loader *l, const struct config_tls *tls, const struct config_allow *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rules[i].n_attribute > 0 && !has_registry(s->config, tls))
            findings_add(l->findings, FINDING_WARNING, rules[i].where,
                         "no certificate matches this rule with attribute, because the trust has no registry: add registry to the trust");
        if (rules[i].issuer != NULL && !may_hold(s, tls, rules[i].issuer))
            findings_add(l->findings, FINDING_WARNING, rules[i].where,
                         "no CA of %s%s%s is named \"%.200s\", so no certificate matches this rule with issuer: add that CA's certificate to the "
                         "trust's ca. An intermediate CA that only the client sends is no proof, since any CA below a trusted one can choose its name",
                         tls->trust != NULL ? "trust \"" : "the trusts of identities", tls->trust != NULL ? tls->trust : "", tls->trust != NULL ? "\"" : "",
                         rules[i].issuer);
    }
}

void snapshot_rules_check(const struct snapshot *s, const struct loader *l)
{
    for (size_t i = 0; i < s->config->n_listeners; i++) {
        const struct config_listener *conf = &s->config->listeners[i];
        if (!conf->tls.present)
            continue;
        check_rules(s, l, &conf->tls, conf->allow, conf->n_allow);
        for (size_t k = 0; k < conf->n_routes; k++) {
            check_rules(s, l, &conf->tls, conf->routes[k].caller, conf->routes[k].n_caller);
            check_rules(s, l, &conf->tls, conf->routes[k].allow, conf->routes[k].n_allow);
        }
    }
}
