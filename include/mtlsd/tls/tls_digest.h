/* SPDX-License-Identifier: Apache-2.0 */
/* A digest that a protocol above asks for, and that secures nothing. */
#ifndef MTLSD_TLS_TLS_DIGEST_H
#define MTLSD_TLS_TLS_DIGEST_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/span.h"

enum { TLS_DIGEST_SHA1_SIZE = 20 };

/* For the handshake of WebSocket (RFC 6455). -1: the library does not have it. */
MUST_CHECK int tls_digest_sha1(struct span data, uint8_t out[TLS_DIGEST_SHA1_SIZE]);

#endif
