/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signature of a revocation list, kept apart from the list: enough to tell whose key made it. The list, which may
 * have a million entries, is hashed once when it is loaded. Then a key is checked with one signature at any length, so
 * that a handshake may do it (A7). EdDSA is the exception: it signs a hash over the key and the list (RFC 8032 5.1.7),
 * so the list is read again for every key. Such a seal borrows the list, and its owner limits the length.
 */
#ifndef MTLSD_TLS_CRL_SEAL_H
#define MTLSD_TLS_CRL_SEAL_H

#include "tls_crl_parse.h"

enum {
    TLS_CRL_SEAL_DIGEST_BYTES = 64,
    TLS_CRL_SEAL_SIGNATURE_BYTES = 1024, /* of RSA with 8192 bits */
};

struct tls_crl_seal {
    gnutls_sign_algorithm_t sign;
    bool is_pss;
    unsigned salt_bytes; /* of RSA-PSS */
    uint8_t digest[TLS_CRL_SEAL_DIGEST_BYTES];
    size_t digest_len;   /* 0: EdDSA */
    struct span list;    /* what is signed; EdDSA only, borrowed */
    uint8_t signature[TLS_CRL_SEAL_SIGNATURE_BYTES];
    size_t signature_len;
};

/* -1: the algorithm is too weak to be believed (SHA-1 and older), has unusual parameters, or is not known. */
MUST_CHECK int tls_crl_seal_make(const struct tls_crl_parsed *crl, struct tls_crl_seal *out);

/* Whether this certificate's key made the signature and may sign lists. Without memory that cannot be told, which is not a no: a list left out would
 * forgive whom it revokes. Safe from many threads. */
enum tls_crl_seal_maker { TLS_CRL_SEAL_OTHER, TLS_CRL_SEAL_OURS, TLS_CRL_SEAL_UNTOLD };
enum tls_crl_seal_maker tls_crl_seal_maker(const struct tls_crl_seal *seal, gnutls_x509_crt_t issuer);
/* The same for what is signed alike (an OCSP answer). A certificate with keyUsage must have one of these bits; 0: any will do. */
enum tls_crl_seal_maker tls_crl_seal_signer(const struct tls_crl_seal *seal, gnutls_x509_crt_t crt, unsigned usage);
bool tls_crl_seal_is_of(const struct tls_crl_seal *seal, gnutls_x509_crt_t issuer); /* for certain */

/* Whether the list must be kept for tls_crl_seal_is_of. */
bool tls_crl_seal_needs_list(const struct tls_crl_seal *seal);

#endif
