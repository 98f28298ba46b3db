/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys that a passphrase protects: PKCS#8 in PEM (PBES2 and the older schemes of PKCS#12) and OpenSSL's own form with a Proc-Type line. What an
 * encrypted key costs is known before it is decrypted: a file asks for a number of rounds, which may be billions.
 */
#ifndef MTLSD_TLS_TLS_KEY_DECRYPT_H
#define MTLSD_TLS_TLS_KEY_DECRYPT_H

#include "mtlsd/base/attr.h"
#include "mtlsd/tls/tls_trust.h"
#include "tls_pem.h"

/* Rounds of all keys and seals of a file together: some seconds of an old machine. Programs write 2,000 to 1,000,000. */
enum { TLS_KEY_MOST_ROUNDS = 5 * 1000 * 1000, TLS_PASSPHRASE_SIZE = 1024 };

struct tls_passphrase {
    const char *file; /* for messages; NULL: none is configured */
    char text[TLS_PASSPHRASE_SIZE];
};
/* Takes the one line of the file, which is UTF-8. name NULL: none is configured. The caller wipes *out, also on failure. */
MUST_CHECK int tls_passphrase_read(const struct tls_file *file, struct tls_passphrase *out, struct err *err);
void tls_passphrase_wipe(struct tls_passphrase *p);

bool tls_key_is_encrypted(const struct tls_pem_block *block);
/* The block as DER of a plain PKCS#8 structure ("PRIVATE KEY"), for tls_pem_wipe. */
MUST_CHECK int tls_key_decrypt_block(const struct tls_pem_reader *r, const struct tls_pem_block *block, const struct tls_passphrase *p, struct span *der,
                                     struct err *err);
/* The same of an EncryptedPrivateKeyInfo in file (passphrase NULL: a plain PrivateKeyInfo). Takes its rounds from *rounds. */
MUST_CHECK int tls_key_decrypt_pkcs8(const char *file, struct span encrypted, const char *passphrase, unsigned *rounds, struct span *der, struct err *err);
/* Adds the public half to an EC key that lacks it, from the certificate if that is of the same key. *whole is for tls_pem_wipe. -1: it cannot. */
MUST_CHECK int tls_key_complete(struct span pkcs8, struct span certificate, struct span *whole);
/* Takes from *rounds. -1 + err: more than what is left. */
MUST_CHECK int tls_key_afford(const char *file, unsigned asked, unsigned *rounds, struct err *err);

#endif
