/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/reasons.h"
#include "mtlsd/config/config.h"

#include <string.h>

bool config_tls_trusts_anybody(const struct config *c, const char *trust)
{
    const struct config_trust *t = config_find_trust(c, trust);
    if (t == NULL)
        return strcmp(trust, "system") == 0;
    return t->ca != NULL && strcmp(t->ca, "system") == 0 && t->pins.n == 0 && t->spiffe_domains.n == 0;
}

size_t config_tls_policies(const struct config_tls *tls)
{
    return tls->n_identities + (tls->n_identities == 0 || tls->identity != NULL ? 1 : 0);
}

bool config_tls_asked_later(const struct config_tls *tls)
{
    return tls->post_handshake_auth || tls->renegotiation;
}

struct config_tls config_tls_policy(const struct config_tls *tls, size_t i)
{
    struct config_tls policy = *tls;
    policy.identities = NULL;
    policy.n_identities = 0;
    if (i >= tls->n_identities)
        return policy;
    const struct config_sni *sni = &tls->identities[i];
    policy.where = sni->where;
    policy.identity = sni->identity;
    policy.choices = sni->choices;
    policy.trust = sni->trust;
    policy.client_cert = sni->client_cert;
    policy.tolerate = sni->tolerate;
    return policy;
}

static bool asks(const struct config_tls *policy)
{
    return policy->trust != NULL && policy->client_cert != CONFIG_CLIENT_CERT_NONE;
}

bool config_tls_asks(const struct config_tls *tls)
{
    for (size_t i = 0; i < config_tls_policies(tls); i++) {
        struct config_tls policy = config_tls_policy(tls, i);
        if (asks(&policy))
            return true;
    }
    return false;
}

uint64_t config_tls_statuses(const struct config_tls *tls)
{
    const uint64_t valid = UINT64_C(1) << REASON_VALID, none = UINT64_C(1) << REASON_NONE;
    uint64_t statuses = 0;
    for (size_t i = 0; i < config_tls_policies(tls); i++) {
        struct config_tls policy = config_tls_policy(tls, i);
        if (!asks(&policy))
            statuses |= none;
        else
            statuses |= valid | policy.tolerate | (policy.client_cert == CONFIG_CLIENT_CERT_OPTIONAL ? none : 0);
    }
    return statuses;
}
