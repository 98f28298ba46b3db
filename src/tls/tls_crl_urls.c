/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_crl_urls.h"

#include "mtlsd/base/url.h"
#include "tls_der.h"
#include "tls_internal.h"

static const char oid_distribution_points[] = "\x55\x1d\x1f";

enum { TAG_NAME = DER_CONTEXT_CONSTRUCTED, TAG_FULL_NAME = DER_CONTEXT_CONSTRUCTED, TAG_URI = DER_CONTEXT + 6 };

struct caller {
    const struct tls_trust *trust;
    tls_crl_url_fn on_url;
    void *ctx;
};

/* DistributionPoint: only a name, and that a full one. */
static void read_point(const struct caller *c, struct span point)
{
    struct tls_der wrapper, names, name;
    if (tls_der_expect(&point, TAG_NAME, &wrapper) != 0 || point.len != 0 || tls_der_expect(&wrapper.value, TAG_FULL_NAME, &names) != 0)
        return;
    while (names.value.len > 0 && tls_der_next(&names.value, &name) == 0)
        if (name.tag == TAG_URI && url_is_http(name.value))
            c->on_url(c->ctx, name.value);
}

static void read_points(const struct caller *c, struct span value)
{
    struct tls_der list, point;
    if (tls_der_expect(&value, DER_SEQUENCE, &list) != 0)
        return;
    while (list.value.len > 0 && tls_der_expect(&list.value, DER_SEQUENCE, &point) == 0)
        read_point(c, point.value);
}

static bool is_issued_by(const struct tls_cert *cert, gnutls_x509_crt_t crt, const struct tls_anchor *anchor)
{
    unsigned status = GNUTLS_CERT_INVALID;
    if (!span_equals(cert->issuer, anchor->cert.subject))
        return false;
    int rc = gnutls_x509_crt_verify(crt, &anchor->crt, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status);
    return rc == 0 && status == 0;
}

static void read_certificate(const struct caller *c, const struct tls_cert *cert, gnutls_x509_crt_t crt)
{
    bool ours = false;
    for (size_t i = 0; i < tls_trust_n_anchors(c->trust) && !ours; i++)
        ours = is_issued_by(cert, crt, tls_trust_anchor(c->trust, i));
    struct span points;
    if (ours && tls_cert_find_extension(cert, oid_distribution_points, &points))
        read_points(c, points);
}

void tls_crl_urls_of_trust(const struct tls_trust *trust, tls_crl_url_fn on_url, void *ctx)
{
    struct caller c = {trust, on_url, ctx};
    for (size_t i = 0; i < tls_trust_n_anchors(trust); i++) {
        const struct tls_anchor *anchor = tls_trust_anchor(trust, i);
        read_certificate(&c, &anchor->cert, anchor->crt);
    }
}

void tls_crl_urls_of_identity(const struct tls_trust *trust, const struct tls_identity *id, tls_crl_url_fn on_url, void *ctx)
{
    struct caller c = {trust, on_url, ctx};
    struct span der;
    for (size_t i = 0; (der = tls_identity_der(id, i)).len > 0; i++) {
        gnutls_x509_crt_t crt;
        struct tls_cert cert;
        if (tls_cert_open(der, &cert, &crt) == 0)
            read_certificate(&c, &cert, crt);
        gnutls_x509_crt_deinit(crt);
    }
}
