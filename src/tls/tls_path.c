/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_path.h"
#include "tls_checks.h"
#include "tls_signature_cache.h"

/* A signature costs up to a millisecond (P-521), a step a comparison of names. Honest chains need as many
 * signatures as they are long. */
enum { MAX_SIGNATURES = 32, MAX_STEPS = 20000 };

static const unsigned link_flags =
    GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS |
    GNUTLS_VERIFY_DO_NOT_ALLOW_X509_V1_CA_CRT | GNUTLS_VERIFY_DO_NOT_ALLOW_SAME |
    GNUTLS_VERIFY_DISABLE_CRL_CHECKS | GNUTLS_VERIFY_IGNORE_UNKNOWN_CRIT_EXTENSIONS |
    /* a broken hash is found and named by the judge; the signature must still be genuine */
    GNUTLS_VERIFY_ALLOW_BROKEN | GNUTLS_VERIFY_ALLOW_SIGN_WITH_SHA1;

void tls_path_start(struct tls_path_finder *f, const struct tls_trust *trust, const struct span *ders,
                    size_t n, gnutls_x509_crt_t leaf_crt)
{
    *f = (struct tls_path_finder){.trust = trust, .signatures_left = MAX_SIGNATURES, .steps_left = MAX_STEPS};
    for (size_t i = 0; i < n && f->n_presented < TLS_PATH_MAX_PRESENTED; i++)
        if (tls_cert_read(ders[i], &f->presented[f->n_presented]) == 0)
            f->n_presented++; /* what cannot be read cannot be on the path */
    f->domain = tls_bounds_domain(tls_trust_rules(trust), &f->presented[0]);
    f->imported[0] = leaf_crt;
    f->path[0] = (struct tls_path_node){&f->presented[0], leaf_crt};
    f->length = 1;
}

void tls_path_stop(struct tls_path_finder *f)
{
    for (size_t i = 1; i < f->n_presented; i++)
        gnutls_x509_crt_deinit(f->imported[i]);
}

static gnutls_x509_crt_t import(struct tls_path_finder *f, size_t i)
{
    int rc = f->imported[i] == NULL ? tls_cert_import(f->presented[i].der, &f->imported[i]) : 0;
    return rc == 0 ? f->imported[i] : NULL;
}

bool tls_path_is_signed(gnutls_x509_crt_t child, gnutls_x509_crt_t issuer)
{
    unsigned status = ~0U;
    if (gnutls_x509_crt_verify(child, &issuer, 1, link_flags, &status) != 0)
        return false;
    const unsigned broken =
        GNUTLS_CERT_SIGNATURE_FAILURE | GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_INSECURE_ALGORITHM;
    return (status & broken) == 0;
}

static bool is_signed_by(struct tls_path_finder *f, const struct tls_path_node *child,
                         const struct tls_path_node *issuer)
{
    if (gnutls_x509_crt_check_issuer(child->crt, issuer->crt) == 0)
        return false;
    struct tls_signature_cache *signature_cache = tls_trust_signature_cache(f->trust);
    struct tls_signature_cache_key key;
    bool has_key = tls_signature_cache_key(child->cert->der, issuer->cert->der, &key);
    if (has_key && tls_signature_cache_knows(signature_cache, &key))
        return true;
    if (!tls_cert_key_is_affordable(issuer->cert->spki) || f->signatures_left == 0)
        return false;
    f->signatures_left--;
    if (!tls_path_is_signed(child->crt, issuer->crt))
        return false;
    if (has_key)
        tls_signature_cache_learn(signature_cache, &key);
    return true;
}

static bool is_on_path(const struct tls_path_finder *f, const struct tls_cert *cert)
{
    for (size_t i = 0; i < f->length; i++)
        if (span_equals(f->path[i].cert->der, cert->der))
            return true;
    return false;
}

/* Anchors are tried first, then what was presented, each by its place in one list. */
static bool candidate(struct tls_path_finder *f, size_t i, struct tls_path_node *out)
{
    const struct tls_path_node *child = &f->path[f->length - 1];
    size_t n_anchors = tls_trust_n_anchors(f->trust);
    if (i < n_anchors) {
        const struct tls_anchor *anchor = tls_trust_anchor(f->trust, i);
        *out = (struct tls_path_node){&anchor->cert, anchor->crt};
        return (f->domain == TLS_DOMAIN_NONE || anchor->domain == f->domain) && span_equals(anchor->cert.subject, child->cert->issuer);
    }
    *out = (struct tls_path_node){&f->presented[i - n_anchors], NULL};
    if (!span_equals(out->cert->subject, child->cert->issuer) || is_on_path(f, out->cert))
        return false;
    out->crt = import(f, i - n_anchors);
    return out->crt != NULL;
}

bool tls_path_next(struct tls_path_finder *f)
{
    size_t n_anchors = tls_trust_n_anchors(f->trust);
    /* a path that was given out ends in an anchor: step back from it */
    if (f->length > 1 && f->cursor[f->length - 1] == SIZE_MAX)
        f->length--;
    while (f->length > 0 && f->steps_left > 0 && f->signatures_left > 0) {
        size_t i = f->cursor[f->length - 1]++;
        if (i >= n_anchors + f->n_presented) {
            f->length--;
            continue;
        }
        struct tls_path_node next;
        f->steps_left--;
        if (!candidate(f, i, &next))
            continue;
        if (f->length == TLS_PATH_MAX_LENGTH) {
            f->too_long = true;
            continue;
        }
        if (!is_signed_by(f, &f->path[f->length - 1], &next))
            continue;
        f->path[f->length] = next;
        f->cursor[f->length] = i < n_anchors ? SIZE_MAX : 0;
        f->length++;
        if (i < n_anchors)
            return true;
    }
    return false;
}
