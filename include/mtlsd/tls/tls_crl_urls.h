/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of revocation lists for a trust's CAs, from certificates of the configuration (cRLDistributionPoints, RFC
 * 5280 4.2.1.13). Certificates of peers are never asked: a peer could choose where we connect to (security F3).
 */
#ifndef MTLSD_TLS_TLS_CRL_URLS_H
#define MTLSD_TLS_TLS_CRL_URLS_H

#include "mtlsd/tls/tls_identity.h"
#include "mtlsd/tls/tls_trust.h"

typedef void (*tls_crl_url_fn)(void *ctx, struct span url); /* borrowed */

/* The http addresses of revocation lists, from certificates that a CA of the trust signed: lists of other CAs would be refused. A distribution point
 * with reasons or another issuer is left out, because its list covers only a part. From the CA certificates themselves: */
void tls_crl_urls_of_trust(const struct tls_trust *trust, tls_crl_url_fn on_url, void *ctx);
/* and of an identity's chain. */
void tls_crl_urls_of_identity(const struct tls_trust *trust, const struct tls_identity *id, tls_crl_url_fn on_url, void *ctx);

#endif
