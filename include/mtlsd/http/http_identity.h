/* SPDX-License-Identifier: Apache-2.0 */
/* Header lines of the identity presets for a backend, encoded so that no byte of a certificate can end a line or a value. rfc9440: RFC 9440.
 * x-ssl: the words of the manual. nginx: the names that applications behind nginx read. X-Forwarded-Client-Cert is in http_xfcc. */
#ifndef MTLSD_HTTP_HTTP_IDENTITY_H
#define MTLSD_HTTP_HTTP_IDENTITY_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/tls/tls_judge.h"
#include "mtlsd/tls/tls_peer.h"

enum http_identity_preset { HTTP_IDENTITY_RFC9440 = 1, HTTP_IDENTITY_X_SSL = 2, HTTP_IDENTITY_NGINX = 4 }; /* bits */

/* Appends "Name: value CRLF" lines. status_word is the verdict's word ("valid", "none", ...), with commas
 * where there are several. peer may be NULL (no certificate).
 * Client-Cert and Client-Cert-Chain are sent for REASON_VALID only: they have no way to say that a certificate was merely tolerated; neither is
 * ssl-client-cert. The chain is the path that the judge verified (tls_judge_path), in the order of TLS, and nothing else that a caller sent along. A root is
 * left out, as RFC 9440 section 2.3 permits: a backend that wants to verify must have it from somebody it trusts. A trust's CA that is no root stands in it.
 * X-SSL-Client-Verify is never 0 but for REASON_VALID; a status without a number of its own, and no certificate at all, is 1. X-SSL-Error is the number,
 * where there is one that is not 0. ssl-client-verify is SUCCESS, NONE or FAILED:words. A field longer than 16 KiB, and a distinguished name
 * longer than tls_peer keeps or without content, is left out rather than cut. */
MUST_CHECK int http_identity_append(struct bytes *out, unsigned presets, const struct tls_verdict *verdict, const char *status_word,
                                    const struct tls_peer *peer);

#endif
