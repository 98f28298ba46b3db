/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a private key and a request for a certificate (PKCS#10, RFC 2986), which any CA can sign. */
#ifndef MTLSD_TLS_TLS_REQUEST_H
#define MTLSD_TLS_TLS_REQUEST_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"

struct tls_request_order {
    const char *cn, *ou, *o;  /* NULL and "": left out */
    const char *const *sans;  /* as those of struct tls_pki_order */
    size_t n_sans;
    bool client, server;      /* neither: the request has no extendedKeyUsage */
    bool rsa;                 /* RSA with 3072 bits instead of ECDSA P-256 */
};

/* PEM text; on failure both are empty. The caller wipes the key. ERR_USAGE when a SAN is not understood. */
MUST_CHECK int tls_request_new(const struct tls_request_order *order, struct bytes *request, struct bytes *key, struct err *err);

#endif
