/* SPDX-License-Identifier: Apache-2.0 */
/* The one way in which names of hosts are compared with patterns, wherever that is: routes, server names of TLS, listed hosts. Were there two, a
 * request could be one thing to TLS and another to a route (security A9). */
#ifndef MTLSD_BASE_HOSTNAME_H
#define MTLSD_BASE_HOSTNAME_H

#include "mtlsd/base/span.h"

/* A host as requests, TLS and certificates name it, without port and brackets: labels of 1 to 63 letters, digits, '-' and '_' with single dots between them, 253
 * bytes at most, and one dot at the end, which does not count; or an IPv6 address. IPv4 addresses are names by this grammar. Everything else is refused wherever
 * it comes in and matches nothing: ".ops.example" is no "*.ops.example" to us, but it is one to many servers behind us (security A15). */
bool hostname_is_well_formed(struct span host);

/* A well-formed host, or "*." and a well-formed name. */
bool hostname_is_pattern(struct span pattern);
/* pattern: an exact name, or "*.suffix", which is one or more whole labels before the suffix and never the suffix itself. Case and one
 * trailing dot do not matter; a host that is not well-formed matches nothing, and neither does an empty pattern. */
bool hostname_matches(struct span pattern, struct span host);
/* Which pattern of those that match a host says more: an exact one, else the one with the longer suffix. */
bool hostname_is_closer(struct span pattern, struct span than);
struct span hostname_without_last_dot(struct span host);

#endif
