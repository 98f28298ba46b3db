/* SPDX-License-Identifier: Apache-2.0 */
/* The one way in which names of hosts are compared with patterns, wherever that is: routes, server names of TLS, listed hosts. Were there two, a
 * request could be one thing to TLS and another to a route (security A9). */
#ifndef MTLSD_BASE_HOSTNAME_H
#define MTLSD_BASE_HOSTNAME_H

#include "mtlsd/base/span.h"

/* pattern: an exact name, or "*.suffix", which is one or more whole labels before the suffix and never the suffix itself. Case and one
 * trailing dot do not matter; an empty host or pattern matches nothing. */
bool hostname_matches(struct span pattern, struct span host);
/* Which pattern of those that match a host says more: an exact one, else the one with the longer suffix. */
bool hostname_is_closer(struct span pattern, struct span than);
struct span hostname_without_last_dot(struct span host);

#endif
