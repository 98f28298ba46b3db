/* SPDX-License-Identifier: Apache-2.0 */
/* The names in a request for a certificate. Only names that have one meaning to every reader are taken. */
#ifndef MTLSD_TLS_TLS_CSR_NAMES_H
#define MTLSD_TLS_TLS_CSR_NAMES_H

#include "tls_cert.h"

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"

enum { TLS_CSR_NAMES_MAX = 64 };

struct tls_csr_names {
    struct bytes text;                    /* what items point into */
    const char *items[TLS_CSR_NAMES_MAX]; /* "dns:a.example", "ip:::1", "uri:...", "email:..." */
    size_t n;
};

/* Every value of the subject must be text without control characters, and there is one CN at most. file is for messages. */
MUST_CHECK int tls_csr_names_check_subject(const struct tls_cert *cert, const char *file, struct err *err);
/* Fills a zeroed *out with the SANs. -1: one is malformed or of another type, or there is neither a SAN nor a CN. */
MUST_CHECK int tls_csr_names_read(const struct tls_cert *cert, const char *file, struct tls_csr_names *out, struct err *err);
void tls_csr_names_clear(struct tls_csr_names *names);

#endif
