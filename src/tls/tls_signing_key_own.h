/* SPDX-License-Identifier: Apache-2.0 */
/* A signing key that was made in this process instead of read. */
#ifndef MTLSD_TLS_TLS_SIGNING_KEY_OWN_H
#define MTLSD_TLS_TLS_SIGNING_KEY_OWN_H

#include "mtlsd/tls/tls_signing_key.h"

#include <gnutls/x509.h>

struct tls_issuer;

/* Copies the numbers of an EC key, which stays the caller's. Takes the issuer on success; NULL: it is the key of no issuer. NULL: out of memory. */
struct tls_signing_key *tls_signing_key_own(gnutls_x509_privkey_t form, struct tls_key_memory *memory, struct tls_issuer *issuer);

#endif
