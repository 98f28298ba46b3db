/* SPDX-License-Identifier: Apache-2.0 */
/* A CA with its key in this process; tls_signing_key.c has it for the key of its certificates. */
#ifndef MTLSD_TLS_TLS_ISSUER_OWN_H
#define MTLSD_TLS_TLS_ISSUER_OWN_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"
#include <stdint.h>

struct tls_issuer;

void tls_issuer_free(struct tls_issuer *t); /* NULL is fine */
/* Appends the certificate of this host as PEM. Refuses a host that is not among its hosts with ERR_PROTOCOL. From any thread. */
MUST_CHECK int tls_issuer_issue(const struct tls_issuer *t, struct span host, int64_t now, struct bytes *pem, struct err *err);

#endif
