/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private key between signatures. GnuTLS spreads a key over many heap blocks. So the key is kept as bytes in locked memory instead, and is imported
 * for each signature; GnuTLS wipes that copy. This costs 2 of 50 us with ECDSA P-256, and each key takes less memory.
 */
#ifndef MTLSD_TLS_TLS_PRIVATE_KEY_H
#define MTLSD_TLS_TLS_PRIVATE_KEY_H

#include "mtlsd/base/attr.h"
#include "mtlsd/tls/tls_key_memory.h"
#include "mtlsd/tls/tls_signing_key.h"

#include <gnutls/abstract.h>

struct tls_private_key {
    struct tls_key_memory *memory; /* a reference */
    gnutls_pk_algorithm_t algorithm;
    unsigned bits;
    struct span secret;            /* RSA: the DER of its file; other kinds: the number */
    bool pkcs8;                    /* RSA: the form of that DER */
    gnutls_ecc_curve_t curve;      /* other kinds: with the public key; y is empty for EdDSA */
    struct span x, y;
};

/* From the decoded PEM block with this label, because GnuTLS leaves copies behind when it decodes PEM itself. form must be initialized; it gets the
 * key, for checks, and stays owned by the caller. With memory NULL the key gets memory of its own. 0 or a GnuTLS error. */
MUST_CHECK int tls_private_key_read(struct span label, struct span der, struct tls_key_memory *memory, struct tls_private_key *out,
                                    gnutls_x509_privkey_t form);
/* The same for an EC key that is in form only. */
MUST_CHECK int tls_private_key_take(gnutls_x509_privkey_t form, struct tls_key_memory *memory, struct tls_private_key *out);
void tls_private_key_clear(struct tls_private_key *key); /* of a zeroed one too */
/* *out signs with key, and borrows it. For any thread. 0 or a GnuTLS error. */
MUST_CHECK int tls_private_key_lend(const struct tls_private_key *key, gnutls_privkey_t *out);
/* The same for one signature, which the caller frees with gnutls_free. */
MUST_CHECK int tls_private_key_sign(const struct tls_private_key *key, const struct tls_signing *what, gnutls_datum_t *signature);
/* Arithmetic leaves parts of an RSA key below the frame that called it, where a thread that does little else would keep them. To be called from there
 * after each use of a key. */
void tls_private_key_wipe_stack(void);
/* The answer to the library, which asks about a key that it does not have itself. */
int tls_private_key_tell(unsigned what, int algorithm, unsigned bits);

#endif
