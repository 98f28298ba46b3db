/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/workload_use.h"

#include "mtlsd/base/spiffe.h"
#include "mtlsd/tls/tls_identity.h"
#include "mtlsd/tls/tls_trust.h"

#include <string.h>

bool workload_is_used(const struct config *config, enum workload_method *method)
{
    bool used = false;
    *method = WORKLOAD_X509_BUNDLES;
    for (size_t i = 0; i < config->n_trusts; i++)
        used = used || spiffe_is_source(config->trusts[i].ca);
    for (size_t i = 0; i < config->n_identities; i++)
        if (spiffe_is_source(config->identities[i].bundle)) {
            used = true;
            *method = WORKLOAD_X509_SVID;
        }
    return used;
}

static bool has_expired(const struct tls_identity *id, int64_t now)
{
    struct tls_identity_facts facts;
    tls_identity_facts(id, &facts);
    return facts.not_after <= now;
}

static size_t withdraw_identities(const struct snapshot *s, const struct workload_set *set, int64_t now, workload_end_fn on_end, void *ctx)
{
    size_t n = 0;
    for (size_t i = 0; i < s->config->n_identities; i++) {
        const struct snapshot_identity *id = &s->identities[i];
        if (!spiffe_is_source(id->conf->bundle) || tls_identity_is_withdrawn(id->tls))
            continue;
        bool gone = workload_set_svid(set, id->conf->bundle) == NULL;
        if (!gone && !has_expired(id->tls, now))
            continue;
        tls_identity_withdraw(id->tls);
        on_end(ctx, &(struct workload_end){.identity = id->conf, .expired = !gone});
        n++;
    }
    return n;
}

static bool has_bundle(const struct workload_set *set, const char *domain)
{
    for (size_t i = 0; i < set->n_bundles; i++)
        if (strcmp(set->bundles[i].domain, domain) == 0)
            return true;
    return false;
}

size_t workload_withdraw(const struct snapshot *s, const struct workload_set *set, int64_t now, workload_end_fn on_end, void *ctx)
{
    size_t n = withdraw_identities(s, set, now, on_end, ctx);
    for (size_t i = 0; i < s->n_trusts; i++) {
        const struct config_trust *conf = s->trusts[i].conf;
        for (size_t k = 0; conf != NULL && conf->source == CONFIG_SOURCE_SPIFFE && k < conf->spiffe_domains.n; k++) {
            const char *domain = conf->spiffe_domains.items[k];
            if (has_bundle(set, domain) || !tls_trust_withdraw(s->trusts[i].tls, domain))
                continue;
            on_end(ctx, &(struct workload_end){.trust = conf, .domain = domain});
            n++;
        }
    }
    return n;
}
