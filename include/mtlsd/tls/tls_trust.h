/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trust: the CA certificates, revocation lists and rules that a peer is verified with. Immutable once made, shared by reference
 * count. It reads no files. A CA set that is empty, broken or holds something that is not a CA is refused: there is no fallback.
 */
#ifndef MTLSD_TLS_TLS_TRUST_H
#define MTLSD_TLS_TLS_TRUST_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/findings.h"
#include "mtlsd/base/span.h"
#include <stdbool.h>

struct tls_trust;

struct tls_file { /* borrowed */
    const char *name; /* for messages */
    struct span text; /* PEM; a CRL may also be DER */
};

struct tls_trust_spec {
    const char *name;
    const struct tls_file *ca; /* every file must hold at least one CA certificate and nothing broken */
    size_t n_ca;
    bool system;               /* use the system's store instead of ca */
    const struct tls_file *crl;
    size_t n_crl;
    bool crl_required;         /* an issuer in the chain without a usable CRL is crl_missing / crl_stale; only when n_crl > 0 */
    int64_t crl_grace;         /* seconds past nextUpdate that a CRL is still used */
    unsigned depth;            /* most certificates in a chain, leaf and trusted CA included; 0: 8 */
    unsigned min_rsa_bits;     /* 0: 2048 */
};

struct tls_trust *tls_trust_new(const struct tls_trust_spec *spec, int64_t now, struct findings *notes, struct err *err);
struct tls_trust *tls_trust_ref(struct tls_trust *trust);
void tls_trust_unref(struct tls_trust *trust);

struct tls_trust_facts {
    const char *name;
    size_t n_ca, n_crl, n_revoked;
    int64_t first_not_after;   /* the CA that ends soonest; 0: none known */
    int64_t first_next_update; /* the CRL that ends soonest; 0: none */
};
void tls_trust_facts(const struct tls_trust *trust, struct tls_trust_facts *out);

#endif
