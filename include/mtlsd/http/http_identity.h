/* SPDX-License-Identifier: Apache-2.0 */
/* How a verified identity is told to a backend: header lines of the presets, encoded so that no byte of a certificate can end a line or
 * a value. rfc9440: RFC 9440. x-ssl: product words. */
#ifndef MTLSD_HTTP_HTTP_IDENTITY_H
#define MTLSD_HTTP_HTTP_IDENTITY_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/tls/tls_judge.h"
#include "mtlsd/tls/tls_peer.h"

enum http_identity_preset { HTTP_IDENTITY_RFC9440 = 1, HTTP_IDENTITY_X_SSL = 2 }; /* bits */

/* Appends "Name: value CRLF" lines. status_word is the verdict's word ("valid", "none", ...). peer may be NULL (no certificate).
 * Client-Cert is sent for REASON_VALID only: it has no way to say that a certificate was merely tolerated. X-SSL-Client-Verify is never 0
 * but for REASON_VALID; a status without a number of its own, and no certificate at all, is 1. A field longer than 16 KiB is left out
 * rather than cut. */
MUST_CHECK int http_identity_append(struct bytes *out, unsigned presets, const struct tls_verdict *verdict, const char *status_word,
                                    const struct tls_peer *peer);

/* Every name of every preset that exists or is planned, for the guard. */
const char *const *http_identity_names(size_t *n);

#endif
