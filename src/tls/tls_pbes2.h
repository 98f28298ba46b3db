/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PBES2 with PBKDF2 (RFC 8018), which programs encrypt private keys with today. Done here, and not by the library's import of a key, because that leaves
 * copies of the key in freed memory and refuses the EC keys of Java, which lack their public half.
 */
#ifndef MTLSD_TLS_TLS_PBES2_H
#define MTLSD_TLS_TLS_PBES2_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/span.h"

enum tls_pbes2 { TLS_PBES2_DONE, TLS_PBES2_FOREIGN /* another scheme, or damaged */, TLS_PBES2_COSTLY, TLS_PBES2_WRONG /* passphrase, or damaged */, TLS_PBES2_NO_MEMORY };

/* Decrypts an EncryptedPrivateKeyInfo. *rounds: those that it may ask for; COSTLY sets it to those that it asks for, others take them from it. *der: the
 * PrivateKeyInfo, for tls_pem_wipe. */
MUST_CHECK enum tls_pbes2 tls_pbes2_decrypt(struct span encrypted, struct span passphrase, unsigned *rounds, struct span *der);

#endif
