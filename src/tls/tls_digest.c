/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_digest.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

int tls_digest_sha1(struct span data, uint8_t out[TLS_DIGEST_SHA1_SIZE])
{
    return gnutls_hash_fast(GNUTLS_DIG_SHA1, data.ptr, data.len, out) == 0 ? 0 : -1;
}

int tls_digest_sha256(struct span data, uint8_t out[TLS_DIGEST_SHA256_SIZE])
{
    return gnutls_hash_fast(GNUTLS_DIG_SHA256, data.ptr, data.len, out) == 0 ? 0 : -1;
}
