/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new private key for a certificate that is renewed, of the same kind, and a request (PKCS#10, RFC 2986) with the subject, names and purposes of that
 * certificate, as RFC 7030 section 4.2.2 wants it. Runs in the process that holds keys.
 */
#ifndef MTLSD_TLS_TLS_REKEY_H
#define MTLSD_TLS_TLS_REKEY_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"
#include "mtlsd/tls/tls_signing_key.h"

/* key: PEM, which the caller wipes; request: DER. certificate: PEM with the certificate of that key among others. On failure both are empty. */
MUST_CHECK int tls_rekey_new(struct span certificate, const uint8_t public_id[TLS_KEY_ID], struct bytes *key, struct bytes *request, struct err *err);
/* The text, PEM, has a certificate of this key. */
bool tls_rekey_is_of(struct span certificates, const uint8_t public_id[TLS_KEY_ID]);

#endif
