/* SPDX-License-Identifier: Apache-2.0 */
/* The single checks of tls_judge: on the leaf alone, and on one path from the leaf to an anchor. Each reports its faults, and none is skipped
 * because another failed. */
#ifndef MTLSD_TLS_CHECKS_H
#define MTLSD_TLS_CHECKS_H

#include "mtlsd/tls/tls_judge.h"
#include "tls_path.h"

struct tls_certificate { /* one certificate under examination; borrows */
    const struct tls_cert *cert;
    gnutls_x509_crt_t crt;
    char subject[120];
};

void tls_checks_describe(struct tls_certificate *out, const struct tls_cert *cert, gnutls_x509_crt_t crt);

/* Notes a fault: sets its bit, and its sentence when it is the worst so far. */
void tls_checks_found(struct tls_verdict *v, enum reason reason, int openssl_error, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* Notes the last second before a date that may change the verdict. */
void tls_checks_until(struct tls_verdict *v, int64_t last);

/* Checks that do not depend on the issuer: purpose, CA flag, names, key, signature algorithm, dates, extensions. */
void tls_checks_leaf(const struct tls_question *q, const struct tls_certificate *leaf,
                     struct tls_verdict *out);

/* path[0] is the leaf, path[n - 1] an anchor; signatures have been verified. What name constraints cost is taken off *work (tls_constraints.h). */
void tls_checks_path(const struct tls_question *q, const struct tls_path_node *path, size_t n, unsigned *work, struct tls_verdict *out);

#endif
