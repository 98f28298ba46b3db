/* SPDX-License-Identifier: Apache-2.0 */
/* The question to an OCSP responder about one certificate (RFC 6960 4.1), and where to ask it (RFC 5280 4.2.2.1). */
#ifndef MTLSD_TLS_TLS_OCSP_REQUEST_H
#define MTLSD_TLS_TLS_OCSP_REQUEST_H

#include "tls_cert.h"

/* The first http address of an OCSP responder in the certificate. false: it names none. */
bool tls_ocsp_request_find_url(const struct tls_cert *cert, struct span *url);
/* The same in the value of the extension authorityInfoAccess. */
bool tls_ocsp_request_read_urls(struct span value, struct span *url);

/* Without a nonce, so that responders may answer from a cache (RFC 5019 2.1.1), and by SHA-1, which all of them know. It only names the issuer. Gives
 * the number of bytes; 0: it does not fit, or there is no such issuer. */
size_t tls_ocsp_request_make(const struct tls_cert *cert, const struct tls_cert *issuer, uint8_t *out, size_t size);

#endif
