/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a certificate is for an expected name (RFC 6125 section 6, RFC 9525): subjectAltName only, type
 * against type, never the CN. */
#ifndef MTLSD_TLS_NAMES_H
#define MTLSD_TLS_NAMES_H

#include "mtlsd/tls/tls_peer.h"

/* expected: a URI when it has "://" in it (compared byte by byte), an IP literal, else a DNS name. */
bool tls_names_match(const struct tls_name *name, const char *expected);

/* Whether a DNS, URI or e-mail name holds only bytes such a name can hold: printable ASCII. A NUL in it has
 * fooled many. */
bool tls_names_sane(const struct tls_name *name);

#endif
