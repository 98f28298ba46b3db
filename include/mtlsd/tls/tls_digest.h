/* SPDX-License-Identifier: Apache-2.0 */
/* Digests that rooms above ask for. */
#ifndef MTLSD_TLS_TLS_DIGEST_H
#define MTLSD_TLS_TLS_DIGEST_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/span.h"

enum { TLS_DIGEST_SHA1_SIZE = 20, TLS_DIGEST_SHA256_SIZE = 32 };

/* For the handshake of WebSocket (RFC 6455), where it secures nothing. -1: the library does not have it. */
MUST_CHECK int tls_digest_sha1(struct span data, uint8_t out[TLS_DIGEST_SHA1_SIZE]);
MUST_CHECK int tls_digest_sha256(struct span data, uint8_t out[TLS_DIGEST_SHA256_SIZE]);

#endif
