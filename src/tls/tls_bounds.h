/* SPDX-License-Identifier: Apache-2.0 */
/* Demands of a trust beyond a verified chain: a pinned key on the path, a SPIFFE ID of one trust domain. A violation is REASON_CONSTRAINT. */
#ifndef MTLSD_TLS_BOUNDS_H
#define MTLSD_TLS_BOUNDS_H

#include "tls_checks.h"
#include "tls_internal.h"

/* A pin counts on the path that was verified only: what a peer sends beside it proves nothing (RFC 7469 section 2.6). */
void tls_bounds_check_pins(const struct tls_trust_rules *rules, const struct tls_path_node *path, size_t n, struct tls_verdict *out);

/* X.509-SVID section 2: exactly one URI, whatever its scheme; other kinds of names do not count, whatever they say (A5). */
void tls_bounds_check_domain(const struct tls_trust_rules *rules, const struct tls_certificate *leaf, struct tls_verdict *out);

#endif
