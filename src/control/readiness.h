/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the instance can do what it is configured for, for /readyz and status. It is not ready while it starts or drains, while it is full, and once
 * something that it needs has ended:
 *
 *   the key process does not answer                       no handshake is possible
 *   an identity that a listener or an upstream presents   peers refuse it
 *   every CA of a trust                                   no peer can be verified
 *   a revocation list, with crl_policy = "require"        each certificate of its CA is refused (crl_stale)
 *   the rows of a registry, by max_staleness              each certificate is refused (registry_stale)
 *
 * One CA of several that has ended is no reason: its successor may be beside it.
 */
#ifndef MTLSD_CONTROL_READINESS_H
#define MTLSD_CONTROL_READINESS_H

#include "mtlsd/control/admin.h"

struct readiness {
    const char *word; /* "ready", "starting", "draining", "full", "keys", "expired", "crl_stale", "registry_stale" */
    char detail[512]; /* what ended and when, or how many connections there are; "" */
    bool ready;
};
void readiness_look(const struct admin_view *view, struct readiness *out);

#endif
