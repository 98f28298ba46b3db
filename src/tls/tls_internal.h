/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's view of an identity and a trust beyond their contracts. GnuTLS types stay inside this room. */
#ifndef MTLSD_TLS_INTERNAL_H
#define MTLSD_TLS_INTERNAL_H

#include "tls_cert.h"
#include "mtlsd/tls/tls_identity.h"
#include "mtlsd/tls/tls_registry.h"
#include "mtlsd/tls/tls_signing_key.h"
#include "mtlsd/tls/tls_trust.h"

#include <stdatomic.h>
#include <gnutls/gnutls.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>

/* The longest handshake message. A longer chain is hostile (security A7): the engine ends the handshake, and a chain from a file is refused too. */
enum { TLS_MESSAGE_MAX_BYTES = 65536 };

/* For one handshake of a session that keeps the identity alive: nothing of it is the library's to free. */
void tls_identity_lend(const struct tls_identity *id, gnutls_pcert_st **pcerts, unsigned *n, gnutls_privkey_t *key);

/* *out signs with key, and borrows it. For any thread. 0 or a GnuTLS error. */
MUST_CHECK int tls_signing_key_lend(const struct tls_signing_key *key, gnutls_privkey_t *out);

/* The client of this session accepts a signature of the key. of_ecdsa, of_rsa: the cipher suites that it offers for TLS 1.2. */
bool tls_identity_suits(const struct tls_identity *id, gnutls_session_t session, bool of_ecdsa, bool of_rsa);
/* One of these names is that of a CA above the leaf, as far as the chain is sent. */
bool tls_identity_is_named(const struct tls_identity *id, const gnutls_datum_t *names, size_t n);
/* A server that names these kinds accepts the key. ECDSA stands for EdDSA too (RFC 8422 section 5.5), RSA for RSA-PSS. */
bool tls_identity_has_kind(const struct tls_identity *id, const gnutls_pk_algorithm_t *kinds, size_t n);

/* As tls_key_check_priority. */
MUST_CHECK int tls_identity_check_priority(const struct tls_identity *id, gnutls_priority_t priority, bool accepting, struct err *err);

/* Names the trust's CAs to clients in CertificateRequest. Verification does not depend on it. A trust with very
 * many CAs names none, as RFC 8446 4.2.4 allows, so that the request stays small. 0 or a GnuTLS error. */
MUST_CHECK int tls_trust_hint_cas(const struct tls_trust *trust,
                                  gnutls_certificate_credentials_t credentials);

/* The credentials that all contexts of this trust share which connect, or which accept. NULL until the first is made; owned by the trust. Only the
 * thread that loads sets them, before the trust is used. */
gnutls_certificate_credentials_t *tls_trust_credentials(struct tls_trust *trust, bool accepting);

/* For the judge: what a trust holds. */
struct tls_anchor {
    struct tls_cert cert; /* borrows der */
    uint8_t *der;         /* owned */
    gnutls_x509_crt_t crt;
    size_t domain; /* its place in the rules; 0 where a trust has no trust domains */
};

#define TLS_DOMAIN_NONE SIZE_MAX

struct tls_trust_rules {
    bool crl_required;
    int64_t crl_grace;
    size_t depth;
    unsigned min_rsa_bits;
    bool purpose_may_be_absent;
    char (*pins)[65];    /* hex; owned by the trust, as domains */
    size_t n_pins;       /* 0: any key */
    char **domains;      /* SPIFFE trust domains, each with anchors of its own */
    size_t n_domains;    /* 0: no SPIFFE ID is required */
    atomic_bool *withdrawn; /* of each domain: its bundle was taken back */
    struct tls_registry *registry; /* counted; NULL: none */
    bool registry_deny_listed;
    int64_t registry_staleness;
    struct tls_ocsp_rules ocsp; /* its texts are owned by the trust, the store is counted */
};

size_t tls_trust_n_anchors(const struct tls_trust *trust);
const struct tls_anchor *tls_trust_anchor(const struct tls_trust *trust, size_t i);
struct tls_crl_set;
struct tls_crl_set *tls_trust_crls(const struct tls_trust *trust); /* may be replaced by any thread */
const struct tls_trust_rules *tls_trust_rules(const struct tls_trust *trust);
struct tls_signature_cache;
struct tls_signature_cache *tls_trust_signature_cache(const struct tls_trust *trust); /* may be changed from any thread */

#endif
