/* SPDX-License-Identifier: Apache-2.0 */
/* How the daemon ends: drained, or with something cut. */
#ifndef MTLSD_DAEMON_RUN_END_H
#define MTLSD_DAEMON_RUN_END_H

#include "run_state.h"

enum run_end_reason {
    RUN_END_ASKED,
    RUN_END_HANDED_OVER, /* a new process serves: clients have time, and files of sockets stay */
};
void run_end_drain_for(struct run *r, enum run_end_reason why);
void run_end_drain(struct run *r);
void run_end_stop(struct run *r);
/* Logs how it went, with the number of what was cut of each listener. Gives the exit code: a drain that had to cut something is no good end, and a
 * supervisor learns it. */
int run_end_said(struct run *r, int code);

#endif
