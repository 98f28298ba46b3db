/* SPDX-License-Identifier: Apache-2.0 */
#include "config_spiffe.h"

#include "mtlsd/base/spiffe.h"
#include "mtlsd/config/config_rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DOMAINS_MAX = 64 };

/* ---- their names ---- */

void config_spiffe_complete(const struct config_reader *r)
{
    for (size_t i = 0; i < r->config->n_identities; i++) {
        struct config_identity *id = &r->config->identities[i];
        if (id->source == CONFIG_SOURCE_SPIFFE && id->bundle == NULL && (id->bundle = strdup(id->spiffe_id != NULL ? id->spiffe_id : "spiffe:")) == NULL)
            r->findings->out_of_memory = 1;
    }
    for (size_t i = 0; i < r->config->n_trusts; i++) {
        struct config_trust *t = &r->config->trusts[i];
        const char *domain = t->spiffe_domains.n > 0 ? t->spiffe_domains.items[0] : "";
        size_t room = strlen("spiffe://") + strlen(domain) + 1;
        if (t->source != CONFIG_SOURCE_SPIFFE || t->ca != NULL)
            continue;
        t->ca = malloc(room);
        if (t->ca != NULL)
            snprintf(t->ca, room, "spiffe://%s", domain);
        else
            r->findings->out_of_memory = 1;
    }
}

/* ---- identities and trusts ---- */

bool config_spiffe_check_identity(const struct config_reader *r, const struct config_identity *id, const config_setting_t *at)
{
    static const char *const of_files[] = {"bundle", "certificate", "key", "chain", "pkcs12", "passphrase_file", "pin_file"};
    const config_setting_t *place = config_read_at(at, "spiffe_id", NULL, NULL);
    bool given;
    if (id->source != CONFIG_SOURCE_SPIFFE) {
        if (id->spiffe_id != NULL)
            config_read_complain(r, FINDING_ERROR, place, "goes with source = \"spiffe\": add it, or leave this out");
        return id->spiffe_id != NULL;
    }
    for (size_t i = 0; i < sizeof(of_files) / sizeof(of_files[0]); i++) {
        const config_setting_t *key = config_read_at(at, of_files[i], NULL, &given);
        if (given)
            config_read_complain(r, FINDING_ERROR, key, "goes with files, and source = \"spiffe\" gets the certificate and its key from the Workload API: leave out one of the two");
    }
    if (id->spiffe_id != NULL && spiffe_domain_of(span_from_str(id->spiffe_id)).len == 0)
        config_read_complain(r, FINDING_ERROR, place, "\"%.200s\" is not the SPIFFE ID of a workload: write for example \"spiffe://example.org/billing\"", id->spiffe_id);
    return true;
}

static void check_domains(const struct config_reader *r, const struct config_trust *t, const config_setting_t *at)
{
    const struct config_strings *domains = &t->spiffe_domains;
    const config_setting_t *place = config_read_at(at, "spiffe_domain", NULL, NULL);
    if (domains->n > DOMAINS_MAX)
        config_read_complain(r, FINDING_ERROR, place, "%zu trust domains: at most %d", domains->n, DOMAINS_MAX);
    for (size_t i = 0; i < domains->n; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(domains->items[i], domains->items[k]) == 0)
                config_read_complain(r, FINDING_ERROR, place, "\"%.80s\" is given twice", domains->items[i]);
    if (t->source == CONFIG_SOURCE_SPIFFE && domains->n == 0)
        config_read_complain(r, FINDING_ERROR, at,
                             "spiffe_domain is missing: name the trust domains whose certificates may be accepted, as in spiffe_domain = \"example.org\"");
    if (t->source == CONFIG_SOURCE_FILES && domains->n > 1)
        config_read_complain(r, FINDING_ERROR, place,
                             "the CAs in ca could issue IDs of each of these trust domains: give one, or set source = \"spiffe\", which keeps their CAs apart");
}

void config_spiffe_check_trust(const struct config_reader *r, const struct config_trust *t, const config_setting_t *at)
{
    static const char *const of_files[] = {"ca", "crl", "crl_urls"};
    check_domains(r, t, at);
    for (size_t i = 0; t->source == CONFIG_SOURCE_SPIFFE && i < sizeof(of_files) / sizeof(of_files[0]); i++) {
        bool given;
        const config_setting_t *key = config_read_at(at, of_files[i], NULL, &given);
        if (given)
            config_read_complain(r, FINDING_ERROR, key,
                                 i == 0 ? "goes with source = \"files\": leave it out, as the Workload API gives the CAs of each trust domain"
                                        : "goes with source = \"files\": leave it out, as certificates of the Workload API end within hours");
    }
    if (t->source == CONFIG_SOURCE_FILES && t->ca == NULL)
        config_read_complain(r, FINDING_ERROR, at, "ca is missing, write for example: ca = \"partner-ca.pem\"; or source = \"spiffe\" with spiffe_domain");
}

static const struct config_trust *spiffe_trust(const struct config_reader *r, const char *name)
{
    const struct config_trust *t = name != NULL ? config_find_trust(r->config, name) : NULL;
    return t != NULL && t->source == CONFIG_SOURCE_SPIFFE && t->spiffe_domains.n > 0 ? t : NULL;
}

static bool has_domain(const struct config_trust *t, const char *id)
{
    struct span domain;
    for (size_t i = 0; spiffe_names_domain(id, &domain) && i < t->spiffe_domains.n; i++)
        if (span_equals_str(domain, t->spiffe_domains.items[i]))
            return true;
    return false;
}

/* ---- upstreams ---- */

static void check_expected(const struct config_reader *r, const struct config_trust *t, const char *name, const config_setting_t *place)
{
    struct err err = {0};
    bool is_id = spiffe_is_meant(span_from_str(name));
    if (is_id && config_rule_check("uri", name, &err) != 0)
        config_read_complain(r, FINDING_ERROR, place, "%s", err.text);
    else if (t != NULL && !is_id)
        config_read_complain(r, FINDING_ERROR, place,
                             "\"%.200s\" is not a SPIFFE ID: trust \"%.80s\" verifies IDs, and no host names; write for example \"spiffe://%.80s/server\"", name, t->name,
                             t->spiffe_domains.items[0]);
    else if (t != NULL && !has_domain(t, name))
        config_read_complain(r, FINDING_ERROR, place, "\"%.200s\" is of a trust domain that trust \"%.80s\" does not have: add it to its spiffe_domain", name, t->name);
}

void config_spiffe_check_upstream(const struct config_reader *r, size_t upstream)
{
    const struct config_upstream *u = &r->config->upstreams[upstream];
    const config_setting_t *group = config_read_group_at(r, "upstreams", upstream), *place = config_read_at(group, "tls", "expect", NULL);
    const struct config_trust *t = u->tls.present ? spiffe_trust(r, u->tls.trust) : NULL;
    for (size_t i = 0; i < u->tls.expect.n; i++)
        check_expected(r, t, u->tls.expect.items[i], place);
    if (t != NULL && u->tls.expect.n == 0 && !config_read_is_tainted(group))
        config_read_complain(r, FINDING_ERROR, config_read_at(group, "tls", NULL, NULL),
                             "trust \"%.80s\" verifies SPIFFE IDs, and each workload of its trust domain could be this upstream: name those that are, as in expect = [ "
                             "\"spiffe://%.80s/server\" ]",
                             t->name, t->spiffe_domains.items[0]);
}

/* ---- listeners ---- */

/* Each way to an upstream has rules that name callers. */
static bool names_callers(const struct config_listener *l)
{
    if (l->n_allow > 0)
        return true;
    for (size_t i = 0; i < l->n_routes; i++)
        if (l->routes[i].upstream != NULL && l->routes[i].n_allow + l->routes[i].n_caller == 0)
            return false;
    return l->n_routes > 0;
}

void config_spiffe_check_listener(const struct config_reader *r, size_t listener)
{
    const struct config_listener *l = &r->config->listeners[listener];
    const config_setting_t *group = config_read_group_at(r, "listeners", listener);
    if (config_read_is_tainted(group) || names_callers(l))
        return;
    for (size_t i = 0; i < config_tls_policies(&l->tls); i++) {
        struct config_tls policy = config_tls_policy(&l->tls, i);
        const struct config_trust *t = policy.client_cert != CONFIG_CLIENT_CERT_NONE ? spiffe_trust(r, policy.trust) : NULL;
        if (t == NULL)
            continue;
        config_read_complain(r, FINDING_ERROR, config_read_at(group, "tls", NULL, NULL),
                             "every workload of the trust domains of trust \"%.80s\" could call: name the callers, as in allow = ( { uri = \"spiffe://%.80s/client\"; } ); or "
                             "accept all of one with uri = \"spiffe://%.80s/**\"",
                             t->name, t->spiffe_domains.items[0], t->spiffe_domains.items[0]);
        return;
    }
}
