/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a configuration and of a snapshot that come from the SPIFFE Workload API. Pure. */
#ifndef MTLSD_CONTROL_WORKLOAD_USE_H
#define MTLSD_CONTROL_WORKLOAD_USE_H

#include "mtlsd/control/snapshot.h"
#include "mtlsd/control/workload.h"

/* False: nothing does. The method is that of SVIDs where an identity does, as its messages have bundles, too. */
bool workload_is_used(const struct config *config, enum workload_method *method);

/* Identities of the snapshot that the set does not have any more, or that have expired, are withdrawn for good (tls_identity_withdraw); the number of those
 * that were not before. Each is told by on_end. */
typedef void (*workload_end_fn)(void *ctx, const struct config_identity *conf, bool expired);
size_t workload_withdraw(const struct snapshot *s, const struct workload_set *set, int64_t now, workload_end_fn on_end, void *ctx);

#endif
