/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of messages for control/workload.c and control/workload_view.c: memory with a limit, and the sets in them. */
#ifndef MTLSD_CONTROL_WORKLOAD_WIRE_H
#define MTLSD_CONTROL_WORKLOAD_WIRE_H

#include "mtlsd/control/workload.h"

#include <workload.pb-c.h>

/* Memory for one message at a time. A few bytes of a message can ask for many, so there is a limit. All of it is wiped: it may hold a key. */
struct workload_memory {
    ProtobufCAllocator allocator;
    size_t used;
    bool refused; /* it was too much, or there was none */
};
void workload_memory_init(struct workload_memory *m);

/* Fill an empty set; -1 + err leaves it to be cleared. */
MUST_CHECK int workload_wire_svids(struct workload_set *out, Mtlsd__Workload__Svid **svids, size_t n, struct err *err);
MUST_CHECK int workload_wire_bundles(struct workload_set *out, Mtlsd__Workload__Bundle **bundles, size_t n, struct err *err);

#endif
