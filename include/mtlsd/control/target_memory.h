/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The changes that an operator made to targets, for the process that takes over: a line for each, as the admin socket takes them. Pure.
 *
 *   /targets/app/worker1/drain
 *   /targets/app/127.0.0.1:8081/weight?weight=5
 */
#ifndef MTLSD_CONTROL_TARGET_MEMORY_H
#define MTLSD_CONTROL_TARGET_MEMORY_H

#include "mtlsd/control/snapshot.h"

/* -1: out holds no more, or out of memory. Nothing is written for targets as configured. */
MUST_CHECK int target_memory_write(struct bytes *out, const struct snapshot *s);
/* Makes the changes again, and logs each. A line that is not understood, or names no target of s, is skipped. */
void target_memory_restore(const struct snapshot *s, struct span text);

#endif
