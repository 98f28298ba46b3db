/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/allow.h"

#include <string.h>

#define SEVERAL_CNS "its subject has several CNs, of which none counts: use another key, such as dns, email or uri"

#define SENT_ISSUER "its issuer has this name, but only the client sent that CA's certificate: add it to ca of the trust if you mean this CA"

enum why { NOTHING, CNS, ISSUER, N_WHYS };

static const struct {
    const char *clause, *sentence;
} texts[N_WHYS] = {
    [NOTHING] = {NULL, "no allow rule matches this certificate"},
    [CNS] = {SEVERAL_CNS, "no allow rule matches this certificate: " SEVERAL_CNS},
    [ISSUER] = {SENT_ISSUER, "no allow rule matches this certificate: " SENT_ISSUER},
};

static enum why find(const struct config_allow *rule, const struct tls_peer *peer)
{
    const char *key = allow_first_miss(rule, peer);
    if (key != NULL && strcmp(key, "cn") == 0 && peer->n_cns > 1)
        return CNS;
    if (key != NULL && strcmp(key, "issuer") == 0 && !peer->by_anchor && !peer->issuer_cut && allow_issuer_matches(rule->issuer, peer->issuer))
        return ISSUER;
    return NOTHING;
}

const char *allow_why_not(const struct config_allow *rule, const struct tls_peer *peer)
{
    return texts[find(rule, peer)].clause;
}

const char *allow_why_refused(const struct config_allow *rules, size_t n, const struct tls_peer *peer)
{
    enum why why = NOTHING;
    for (size_t i = 0; i < n && peer != NULL && why == NOTHING; i++)
        why = find(&rules[i], peer);
    return peer != NULL ? texts[why].sentence : "no certificate, but allow requires one";
}
