/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates in tokens; their keys are read by tls_signing_key_read. */
#ifndef MTLSD_TLS_TLS_TOKEN_URI_H
#define MTLSD_TLS_TLS_TOKEN_URI_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"
#include <stdbool.h>

/* "pkcs11:..." */
bool tls_token_uri(const char *path);
/* Initialises *pem and fills it with the certificate of this URI. On failure it is empty. */
MUST_CHECK int tls_token_uri_certificate(const char *uri, struct bytes *pem, struct err *err);

#endif
