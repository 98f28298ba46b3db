/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#12 files (RFC 7292) for browsers, Java and OpenSSL: a key with its certificates, encrypted with AES-256-CBC (PBES2), and a MAC with SHA-256. */
#ifndef MTLSD_TLS_TLS_PKCS12_H
#define MTLSD_TLS_TLS_PKCS12_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"
#include "mtlsd/tls/tls_trust.h"

enum { TLS_PKCS12_LEAST_PASSPHRASE = 8, TLS_PKCS12_PASSPHRASE = 256 }; /* characters at least; size with the NUL */

struct tls_pkcs12_order {
    const char *name;           /* friendlyName */
    struct tls_file key;        /* PEM */
    struct tls_file certificate; /* PEM: the leaf, then its intermediates */
    struct tls_file ca;         /* PEM; added if it issued the last of those; empty: there is none */
    const char *passphrase;
};

/* DER. On failure *out is empty. ERR_CREDENTIAL when a file cannot be read or the key is another certificate's. */
MUST_CHECK int tls_pkcs12_new(const struct tls_pkcs12_order *order, struct bytes *out, struct err *err);

/* Takes the one line of a file as the passphrase: printable ASCII, which every program encodes alike. The caller wipes *out. */
MUST_CHECK int tls_pkcs12_read_passphrase(const struct tls_file *file, char out[TLS_PKCS12_PASSPHRASE], struct err *err);
/* A random one with 120 bits. */
MUST_CHECK int tls_pkcs12_new_passphrase(char out[TLS_PKCS12_PASSPHRASE], struct err *err);

#endif
