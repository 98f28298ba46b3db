/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Name constraints of the CAs on a path (RFC 5280 4.2.1.10). Not through GnuTLS, which is wrong about URIs, refuses all directory names, lets an
 * IPv6 name past a permitted IPv4 range, and takes quadratic time. The work is bounded; what cannot be checked is refused.
 *
 * What is held, of every certificate below the CA: each subjectAltName, the subject as a directoryName, and emailAddress in it as an rfc822Name,
 * also beside an rfc822Name. Of a client's certificate also each CN in the form of a name, by the constraints of that kind (security A16): rules and
 * backends decide by it. A server's CN decides nothing (RFC 9525).
 *
 * A CN has the form of
 *   an iPAddress   when it is an address,
 *   a URI          when it holds "://",
 *   an rfc822Name  when what follows its last '@' consists of letters, digits, '-', '_', '.', '*' and bytes beyond ASCII,
 *   a dNSName      when all of it does and a dot stands in it, not counting one at its end.
 * "alice" and "Billing Service 2.0" have none. "john.smith" is a host name; OpenSSL agrees, and holds it where there is no dNSName. OpenSSL takes
 * stars, empty labels and other letters for the sign of another kind of name; here they are no way out.
 *
 * A constraint on a kind that is not understood here (otherName, by its type; x400Address, ediPartyName, registeredID) refuses certificates with a
 * name of that kind only: Microsoft's CAs carry such constraints.
 */
#ifndef MTLSD_TLS_CONSTRAINTS_H
#define MTLSD_TLS_CONSTRAINTS_H

#include "tls_checks.h"

/* How many names are held against how many constraints in one judgement, long names counting for more; beyond this a chain is refused rather
 * than worked on. Some 10 ms. */
enum { TLS_CONSTRAINTS_WORK = 500000 };

/* Takes what it cost off *work. */
void tls_constraints_check(enum tls_purpose purpose, const struct tls_path_node *nodes, size_t n, unsigned *work, struct tls_verdict *out);

#endif
