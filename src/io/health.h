/* SPDX-License-Identifier: Apache-2.0 */
/* Active health checks of all targets of a snapshot, driven by one worker for all. It connects and keeps the time, proxy/health_check.h does one
 * check, control/health_rules.h decides, and target_state tells every worker. */
#ifndef MTLSD_IO_HEALTH_H
#define MTLSD_IO_HEALTH_H

#include "worker.h"

struct health;

/* NULL: no upstream wants checks, or out of memory (which is logged). Takes a reference of the worker's snapshot. */
struct health *health_start(struct worker *w);
/* At once; what is still closing frees itself. h may be NULL. */
void health_stop(struct health *h);

#endif
