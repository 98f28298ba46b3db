/* SPDX-License-Identifier: Apache-2.0 */
/* Active health checks of all targets of one snapshot, driven by one worker for all: it connects and keeps the time, proxy/health_check.h looks,
 * control/health_rules.h decides, the state of targets tells every worker. */
#ifndef MTLSD_IO_HEALTH_H
#define MTLSD_IO_HEALTH_H

#include "worker.h"

struct health;

/* NULL: no upstream wants checks, or out of memory (which is logged). Takes a reference of the worker's snapshot. */
struct health *health_start(struct worker *w);
/* At once; what is still closing frees itself. h may be NULL. */
void health_stop(struct health *h);

#endif
