/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Name constraints of the CAs on a way (RFC 5280 4.2.1.10): DNS, e-mail, URI, IP and directory names. Not
 * through GnuTLS, which is wrong about URIs, refuses all directory names, lets an IPv6 name past a permitted
 * IPv4 range, and takes quadratic time. The work is bounded; what cannot be checked is refused.
 */
#ifndef MTLSD_TLS_CONSTRAINTS_H
#define MTLSD_TLS_CONSTRAINTS_H

#include "tls_checks.h"

/* How many names are held against how many constraints in one judgement, long names counting for more; beyond this a chain is refused rather
 * than worked on. Some 10 ms. */
enum { TLS_CONSTRAINTS_WORK = 500000 };

/* Takes what it cost off *work. */
void tls_constraints_check(const struct tls_path_node *way, size_t n, unsigned *work, struct tls_verdict *out);

#endif
