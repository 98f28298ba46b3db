/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/allow.h"

#include "mtlsd/tls/tls_cert_policy.h"
#include "mtlsd/tls/tls_subject.h"

#include <string.h>

#define SEVERAL_CNS "its subject has several CNs, of which none counts: use another key, such as dns, email or uri"

#define SENT_ISSUER "its issuer has this name, but only the client sent that CA's certificate: add it to ca of the trust if you mean this CA"

#define SEVERAL_PARTS "its subject has several of this kind, of which none counts: use another key, such as subject or fingerprint"

#define OTHER_ORDER "its subject has the same parts in the opposite order: write the rule as the log has it, the last part first"

#define UNPROVEN_POLICY "a CA of its chain does not confirm the policy that it claims: issue it by a CA with this policy"

enum why { NOTHING, CNS, PARTS, ORDER, POLICY, ISSUER, N_WHYS };

static const struct {
    const char *clause, *sentence;
} texts[N_WHYS] = {
    [NOTHING] = {NULL, "no allow rule matches this certificate"},
    [CNS] = {SEVERAL_CNS, "no allow rule matches this certificate: " SEVERAL_CNS},
    [PARTS] = {SEVERAL_PARTS, "no allow rule matches this certificate: " SEVERAL_PARTS},
    [ORDER] = {OTHER_ORDER, "no allow rule matches this certificate: " OTHER_ORDER},
    [POLICY] = {UNPROVEN_POLICY, "no allow rule matches this certificate: " UNPROVEN_POLICY},
    [ISSUER] = {SENT_ISSUER, "no allow rule matches this certificate: " SENT_ISSUER},
};

/* Where the last RDN before end begins; a comma behind a backslash separates nothing. */
static const char *last_part(const char *text, const char *end)
{
    const char *begin = text;
    for (const char *p = text; p < end; p++) {
        if (*p == '\\' && p + 1 < end)
            p++;
        else if (*p == ',')
            begin = p + 1;
    }
    return begin;
}

static bool is_reversed(const char *pattern, const char *subject)
{
    const char *end = pattern + strlen(pattern);
    if (subject == NULL || strlen(subject) != strlen(pattern))
        return false;
    while (end > pattern) {
        const char *begin = last_part(pattern, end);
        size_t n = (size_t)(end - begin);
        if (strncmp(subject, begin, n) != 0)
            return false;
        subject += n + (subject[n] == ',');
        end = begin > pattern ? begin - 1 : pattern;
    }
    return true;
}

static enum why find_in_subject(const char *key, const struct config_allow *rule, const struct tls_peer *peer)
{
    static const struct {
        const char *key;
        enum tls_subject_part part;
    } parts[] = {{"c", TLS_SUBJECT_C}, {"st", TLS_SUBJECT_ST}, {"l", TLS_SUBJECT_L}};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strcmp(key, parts[i].key) == 0)
            return tls_subject_find(peer, parts[i].part).n > 1 ? PARTS : NOTHING;
    return strcmp(key, "subject") == 0 && is_reversed(rule->subject, peer->subject) ? ORDER : NOTHING;
}

static enum why find(const struct config_allow *rule, const struct tls_peer *peer)
{
    const char *key = allow_first_miss(rule, peer);
    if (key == NULL)
        return NOTHING;
    if (strcmp(key, "cn") == 0 && peer->n_cns > 1)
        return CNS;
    if (strcmp(key, "policy") == 0 && tls_cert_policy_find(peer, rule->policy) == TLS_CERT_POLICY_UNPROVEN)
        return POLICY;
    if (strcmp(key, "issuer") == 0 && !peer->by_anchor && !peer->issuer_cut && allow_issuer_matches(rule->issuer, peer->issuer))
        return ISSUER;
    return find_in_subject(key, rule, peer);
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
