/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and certificates in tokens, named by pkcs11: URIs (RFC 7512). Modules are those that p11-kit knows, and are loaded with the first URI. A call may
 * take as long as a token likes: who waits for it has to have a deadline. The key of each configuration has one session.
 */
#ifndef MTLSD_TLS_TLS_TOKEN_H
#define MTLSD_TLS_TLS_TOKEN_H

#include "mtlsd/tls/tls_signing_key.h"
#include "tls_key_decrypt.h"

/* A key that signs in its token. pin: no file, and the token wants none. A PIN that a token refused is not sent again by this process, nor is the last one
 * that it would take: so that no reload locks a token. NULL + err. */
struct tls_signing_key *tls_token_key(const char *uri, const struct tls_passphrase *pin, struct tls_key_memory *memory, struct err *err);

#endif
