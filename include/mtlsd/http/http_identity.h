/* SPDX-License-Identifier: Apache-2.0 */
/* Header lines of the identity presets for a backend, encoded so that no byte of a certificate can end a line or a value. rfc9440: RFC 9440.
 * x-ssl: the words of the manual. nginx: the names that applications behind nginx read. X-Forwarded-Client-Cert is in http_xfcc. */
#ifndef MTLSD_HTTP_HTTP_IDENTITY_H
#define MTLSD_HTTP_HTTP_IDENTITY_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/tls/tls_judge.h"
#include "mtlsd/tls/tls_peer.h"

enum http_identity_preset { HTTP_IDENTITY_RFC9440 = 1, HTTP_IDENTITY_X_SSL = 2, HTTP_IDENTITY_NGINX = 4 }; /* bits */

/* Appends "Name: value CRLF" lines. status_word is the verdict's word ("valid", "none", ...), with commas if there are several. peer may be NULL (no
 * certificate).
 * Client-Cert, Client-Cert-Chain and ssl-client-cert are sent for REASON_VALID only: they cannot say that a certificate was merely tolerated. The chain
 * is the verified path (tls_judge_path), in the order of TLS, and nothing else that a client sent. A root is left out, as RFC 9440 section 2.3 permits:
 * a backend that verifies needs it from a trusted source. A CA of the trust that is not a root is included.
 * X-SSL-Client-Verify is 0 only for REASON_VALID; a status without a number, and no certificate, are 1. X-SSL-Error is the number, if it is not 0.
 * ssl-client-verify is SUCCESS, NONE or FAILED:words. A field longer than 16 KiB is left out, never cut. So is a distinguished name that is empty or longer
 * than tls_peer keeps. */
MUST_CHECK int http_identity_append(struct bytes *out, unsigned presets, const struct tls_verdict *verdict, const char *status_word,
                                    const struct tls_peer *peer);

/* The fields of x-ssl about the connection, with any certificate: X-SSL-Protocol and X-SSL-Cipher in OpenSSL's spelling (tls/tls_words.h). NULL: not said. */
MUST_CHECK int http_identity_append_tls(struct bytes *out, unsigned presets, const char *version, const char *suite);
/* Whether one of the presets may write a field of this name. */
bool http_identity_writes(unsigned presets, struct span name);

#endif
