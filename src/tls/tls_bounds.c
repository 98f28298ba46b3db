/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_checks.h"

#include "mtlsd/base/spiffe.h"

#include <stdio.h>
#include <string.h>

static bool is_pinned(const struct tls_trust_rules *rules, struct span spki)
{
    char hash[65];
    tls_cert_sha256(spki, hash);
    for (size_t i = 0; i < rules->n_pins; i++)
        if (strcmp(rules->pins[i], hash) == 0)
            return true;
    return false;
}

void tls_bounds_check_pins(const struct tls_trust_rules *rules, const struct tls_path_node *path, size_t n, struct tls_verdict *out)
{
    struct tls_certificate leaf;
    bool pinned = rules->n_pins == 0;
    for (size_t i = 0; i < n && !pinned; i++)
        pinned = is_pinned(rules, path[i].cert->spki);
    if (pinned)
        return;
    tls_checks_describe(&leaf, path[0].cert, path[0].crt);
    tls_checks_found(out, REASON_CONSTRAINT, 65, /* no certificate with a key that is named */
                     "certificate %s: neither its key nor one of the CAs above it is among the %zu pinned", leaf.subject, rules->n_pins);
}

struct uris {
    size_t n;
    struct span last;
};

static int on_name(void *ctx, const struct tls_name *name)
{
    struct uris *uris = ctx;
    if (name->type == TLS_NAME_URI) {
        uris->n++;
        uris->last = name->value;
    }
    return 0;
}

static size_t find_domain(const struct tls_trust_rules *rules, struct span id)
{
    for (size_t i = 0; i < rules->n_domains; i++)
        if (spiffe_is_of_domain(id, span_from_str(rules->domains[i])))
            return i;
    return TLS_DOMAIN_NONE;
}

size_t tls_bounds_domain(const struct tls_trust_rules *rules, const struct tls_cert *leaf)
{
    struct uris uris = {0};
    if (rules->n_domains == 0)
        return 0;
    return tls_cert_each_name(leaf, on_name, &uris) == 0 && uris.n == 1 ? find_domain(rules, uris.last) : TLS_DOMAIN_NONE;
}

static void check_usage(const struct tls_certificate *leaf, struct tls_verdict *out)
{
    unsigned usage = 0;
    if (gnutls_x509_crt_get_key_usage(leaf->crt, &usage, NULL) >= 0 && (usage & (GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN)) != 0)
        tls_checks_found(out, REASON_WRONG_PURPOSE, 26, "certificate %s: its keyUsage allows to sign certificates or lists, which the certificate of an SVID must not",
                         leaf->subject);
}

void tls_bounds_check_domain(const struct tls_trust_rules *rules, const struct tls_certificate *leaf, struct tls_verdict *out)
{
    struct uris uris = {0};
    char more[32] = "";
    if (rules->n_domains == 0)
        return;
    check_usage(leaf, out);
    bool read = tls_cert_each_name(leaf->cert, on_name, &uris) == 0;
    size_t domain = read && uris.n == 1 ? find_domain(rules, uris.last) : TLS_DOMAIN_NONE;
    if (domain != TLS_DOMAIN_NONE && atomic_load_explicit(&rules->withdrawn[domain], memory_order_relaxed))
        tls_checks_found(out, REASON_UNKNOWN_CA, 20, "certificate %s: the SPIFFE agent took back the bundle of trust domain %s", leaf->subject, rules->domains[domain]);
    if (domain != TLS_DOMAIN_NONE)
        return;
    if (rules->n_domains > 1)
        snprintf(more, sizeof(more), " or %zu more", rules->n_domains - 1);
    tls_checks_found(out, REASON_WRONG_TRUST_DOMAIN, 47, "certificate %s: it %s the SPIFFE trust domain %s%s", leaf->subject,
                     uris.n > 1 ? "has several URIs, and must have exactly one, of" : "has no SPIFFE ID of", rules->domains[0], more);
}
