/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request for a certificate (PKCS#10, RFC 2986) from a program that is not trusted, and the certificate that the development CA makes of it. Only the
 * subject, the public key and the names are taken. No other extension of the request is copied.
 */
#ifndef MTLSD_TLS_TLS_CSR_H
#define MTLSD_TLS_TLS_CSR_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"

struct tls_csr;

/* Reads the one PEM block of a file. Refuses a wrong signature, a weak key, a request for a CA, and a subject that is not plain text. file is for
 * messages. NULL + err. */
struct tls_csr *tls_csr_read(const char *file, struct span text, struct err *err);
void tls_csr_free(struct tls_csr *csr); /* NULL is fine */

enum tls_csr_purpose { TLS_CSR_UNCLEAR, TLS_CSR_CLIENT, TLS_CSR_SERVER };
/* The one purpose that its extendedKeyUsage names. TLS_CSR_UNCLEAR: it has none, several, or another one. */
enum tls_csr_purpose tls_csr_purpose(const struct tls_csr *csr);
/* Checks the names of the request, which tls_csr_read does not: other ones may be given. -1: a name is malformed or of another type, or there is
 * neither a SAN nor a CN. */
MUST_CHECK int tls_csr_read_names(struct tls_csr *csr, struct err *err);
size_t tls_csr_count_names(const struct tls_csr *csr); /* its SANs; 0 before tls_csr_read_names */

struct tls_csr_grant {
    const char *const *sans; /* as those of struct tls_pki_order */
    size_t n_sans;           /* 0: the names of the request, which must have been read */
    bool client, server;     /* one at least */
    int64_t not_before, not_after;
    uint64_t serial;
};
/* PEM text of the certificate. On failure *out is empty. */
MUST_CHECK int tls_csr_sign(const struct tls_csr *csr, struct span ca_cert, struct span ca_key, const struct tls_csr_grant *grant, struct bytes *out,
                            struct err *err);

#endif
