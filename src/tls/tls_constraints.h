/* SPDX-License-Identifier: Apache-2.0 */
/* Name constraints of the CAs on a way (RFC 5280 4.2.1.10). DNS, e-mail and IP through GnuTLS; URI and directory names here, because
 * GnuTLS is wrong about the one and cannot do the other. The work is bounded. */
#ifndef MTLSD_TLS_CONSTRAINTS_H
#define MTLSD_TLS_CONSTRAINTS_H

#include "tls_checks.h"

void tls_constraints_check(const struct tls_path_node *way, size_t n, struct tls_verdict *out);

#endif
