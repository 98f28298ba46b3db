/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates of a PEM text, as DER, in the order they stand there: what a peer would have sent. Not a judgement. */
#ifndef MTLSD_TLS_TLS_CHAIN_H
#define MTLSD_TLS_TLS_CHAIN_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/span.h"

struct tls_chain {
    struct span *ders; /* each and the array owned */
    size_t n;
};

/* Other blocks (keys of a bundle) are skipped. A broken block or a text without a certificate is ERR_CREDENTIAL and names the file. */
MUST_CHECK int tls_chain_read(struct tls_chain *chain, struct span text, const char *file, struct err *err);
void tls_chain_clear(struct tls_chain *chain);

enum { TLS_CHAIN_KEY_NAME = 32 };
/* The kind of a certificate's key: "ECDSA P-256", "RSA 3072"; "unknown" also of what cannot be parsed. */
void tls_chain_key_name(struct span der, char out[TLS_CHAIN_KEY_NAME]);

#endif
