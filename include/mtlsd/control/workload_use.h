/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a configuration and of a snapshot that come from the SPIFFE Workload API. Pure. */
#ifndef MTLSD_CONTROL_WORKLOAD_USE_H
#define MTLSD_CONTROL_WORKLOAD_USE_H

#include "mtlsd/control/snapshot.h"
#include "mtlsd/control/workload.h"

/* False: nothing does. The method is that of SVIDs where an identity does, as its messages have bundles, too. */
bool workload_is_used(const struct config *config, enum workload_method *method);

struct workload_end { /* borrowed */
    const struct config_identity *identity; /* or a trust, with the domain */
    const struct config_trust *trust;
    const char *domain;
    bool expired; /* the identity; else the agent took it back */
};
typedef void (*workload_end_fn)(void *ctx, const struct workload_end *end);
/* Withdraws for good what the set does not have any more, and identities that have expired (tls_identity_withdraw, tls_trust_withdraw): no load is needed for
 * that, which might fail for other reasons. Gives how many were not withdrawn before; each is told by on_end. */
size_t workload_withdraw(const struct snapshot *s, const struct workload_set *set, int64_t now, workload_end_fn on_end, void *ctx);

#endif
