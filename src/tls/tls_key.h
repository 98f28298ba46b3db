/* SPDX-License-Identifier: Apache-2.0 */
/* The key of a certificate: the name of its kind, and whether TLS can sign with it. */
#ifndef MTLSD_TLS_TLS_KEY_H
#define MTLSD_TLS_TLS_KEY_H

#include "tls_cert.h"

#include "mtlsd/base/err.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

enum { TLS_KEY_NAME = 32 };
#define TLS_KEY_KINDS "ECDSA P-256, P-384 or P-521, Ed25519, Ed448, RSA or RSA-PSS of 2048 to 8192 bits"

struct tls_key {
    int algorithm; /* gnutls_pk_algorithm_t, or an error of the library: unknown */
    unsigned bits;
    gnutls_ecc_curve_t curve;
    gnutls_digest_algorithm_t only_hash; /* an RSA-PSS key may be limited to one, */
    unsigned least_salt;                 /* and to a least salt, in bytes (RFC 4055 3.3) */
    const char *foreign;                 /* the name of a kind that the library does not know; fixed text, NULL: none */
    bool affordable;                     /* tls_cert_key_is_affordable */
};

/* The name of an algorithm or a curve that a library may not know, by the content of its object identifier. Fixed text; NULL: none is known. */
const char *tls_key_foreign_name(struct span oid);
bool tls_key_is_known(int algorithm); /* of a kind that is accepted where it is strong enough */
void tls_key_read(gnutls_x509_crt_t crt, struct span spki, struct tls_key *out);
/* The same without a certificate. A key that is not affordable is not decoded. */
void tls_key_read_public(struct span spki, struct tls_key *out);
/* "ECDSA P-521", "RSA-PSS 2048", "Ed448". */
void tls_key_name(const struct tls_key *key, char out[TLS_KEY_NAME]);
/* As OpenSSL spells it: "EC521", "RSA2048"; empty: it has no name there. */
void tls_key_openssl_name(const struct tls_key *key, char out[TLS_KEY_NAME]);
/* The same of the signature on a certificate: "RSA-SHA256"; NULL: none of ours. */
const char *tls_key_openssl_signature(gnutls_x509_crt_t crt);
/* Why the key is of no use ("is too weak"); fixed text, NULL: it is fine. */
const char *tls_key_flaw(const struct tls_key *key, unsigned least_rsa_bits);
/* Whether an identity with this key is of any use: peers take the kind, and a signature takes no absurd time. -1 + err, which names the identity. */
MUST_CHECK int tls_key_check(const struct tls_key *key, const char *identity, struct err *err);
/* Every version of TLS that the priority allows must be able to use the key, or a handshake would go without it: -1 + err. accepting: as a server. */
/* Whether the key makes such a signature over a handshake of TLS 1.3, or 1.2. */
bool tls_key_signs(const struct tls_key *key, gnutls_sign_algorithm_t sign, bool v13);
MUST_CHECK int tls_key_check_priority(const struct tls_key *key, gnutls_priority_t priority, bool accepting, struct err *err);

#endif
