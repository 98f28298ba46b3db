/* SPDX-License-Identifier: Apache-2.0 */
/* The one comparison of host names with patterns, for routes, server names of TLS and listed hosts. With two, a request could be one thing to TLS
 * and another to a route (security A9). */
#ifndef MTLSD_BASE_HOSTNAME_H
#define MTLSD_BASE_HOSTNAME_H

#include "mtlsd/base/span.h"

/* A host as requests, TLS and certificates name it, without port and brackets: a name or an IPv6 address. A name has labels of 1 to 63 letters,
 * digits, '-' and '_', with single dots between them. It has at most 253 bytes, and may end in a dot. IPv4 addresses are names by this grammar. All other
 * texts are refused and match nothing: ".ops.example" does not match "*.ops.example" here, but it does in many servers behind us (security A15). */
bool hostname_is_well_formed(struct span host);

/* A well-formed host, or "*." and a well-formed name. */
bool hostname_is_pattern(struct span pattern);
/* pattern: an exact name, or "*.suffix", which is one or more whole labels before the suffix and never the suffix itself. Case, one
 * trailing dot and the spelling of an IPv6 address do not matter. A host that is not well-formed matches nothing, and an empty pattern matches no host. */
bool hostname_matches(struct span pattern, struct span host);
/* A port in decimal, from 1 to 65535; 0: the text is none. */
unsigned hostname_port(struct span digits);
struct span hostname_without_last_dot(struct span host);
/* An order of names for sorting, below 0, 0 or above 0: 0 for names that differ in letter case or a last dot alone. */
int hostname_compare(struct span a, struct span b);
/* The canonical text of a host except for letter case, for hashes and sorting: without its last dot. An IPv6 address is written to room by RFC 5952. */
enum { HOSTNAME_IPV6_SIZE = 46 };
struct span hostname_canonical(struct span host, char room[HOSTNAME_IPV6_SIZE]);

#endif
