/* SPDX-License-Identifier: Apache-2.0 */
/* Divides PEM text into blocks with their first lines, so that messages can name them. Nothing is skipped silently. */
#ifndef MTLSD_TLS_PEM_H
#define MTLSD_TLS_PEM_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/span.h"

struct tls_pem_reader {
    const char *file; /* for messages; borrowed */
    struct span rest;
    size_t line; /* number of the line that rest begins on */
};

struct tls_pem_block {
    struct span label; /* "CERTIFICATE" */
    struct span body;  /* the lines between BEGIN and END */
    struct span whole; /* with them */
    size_t line;       /* of BEGIN */
};

void tls_pem_start(struct tls_pem_reader *r, const char *file, struct span text);
/* 1: a block; 0: the end; -1: a block that does not end, or ends as something else (err names file and line).
 * Text between blocks is commentary, as openssl -text writes it. */
MUST_CHECK int tls_pem_next(struct tls_pem_reader *r, struct tls_pem_block *out, struct err *err);
/* The bytes of a block on the heap; the caller frees them. */
MUST_CHECK int tls_pem_decode(const struct tls_pem_reader *r, const struct tls_pem_block *block,
                              struct span *der, struct err *err);
/* Wipes and frees the decoded bytes of a private key. */
void tls_pem_wipe(struct span der);
/* Says that a block of this kind does not belong in that ("an identity"), and where it belongs. Gives -1. */
MUST_CHECK int tls_pem_refuse(const struct tls_pem_reader *r, const struct tls_pem_block *block, const char *in, struct err *err);
/* Refuses text that cannot hold a block at all, and says what it is instead (empty, DER, something else). */
MUST_CHECK int tls_pem_plausible(const char *file, struct span text, const char *wanted, struct err *err);

#endif
