/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the key and the certificates out of a PKCS#12 file (RFC 7292). Its size, and the rounds that it asks for, are bounded. */
#ifndef MTLSD_TLS_TLS_PKCS12_OPEN_H
#define MTLSD_TLS_TLS_PKCS12_OPEN_H

#include "mtlsd/base/bytes.h"
#include "tls_key_decrypt.h"

enum { TLS_PKCS12_MOST_CERTIFICATES = 64 };

struct tls_pkcs12_content {
    struct span key; /* DER of a plain PKCS#8 structure */
    struct span ders[TLS_PKCS12_MOST_CERTIFICATES];
    size_t n;
};

/* With no passphrase configured, the file must have been made with an empty one. A file with no key, several keys, no certificate, or no MAC is refused.
 * On failure *out is empty. */
MUST_CHECK int tls_pkcs12_open(const struct tls_file *file, const struct tls_passphrase *p, struct tls_pkcs12_content *out, struct err *err);
void tls_pkcs12_close(struct tls_pkcs12_content *content); /* wipes and frees */

/* The certificate of the key, by the SHA-256 of its public half; none may be. */
void tls_pkcs12_put_leaf_first(struct tls_pkcs12_content *content, const uint8_t public_id[32]);
/* The chain as PEM: the leaf and its issuers, as far as the file has them, without the root, which peers have. Initialises *out. */
MUST_CHECK int tls_pkcs12_write_chain(const struct tls_pkcs12_content *content, struct bytes *out, struct err *err);

#endif
