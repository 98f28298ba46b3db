/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGUSR2: a new process of the program takes our place, with our sockets. One hand-over at a time, none while a reload runs, and no reload
 * while it runs:
 *
 *   run_handover_ask      gathers the sockets, starts the new process            what cannot be is refused in the log
 *   it is ready           it serves, and we drain                                a reload that waits is the new one's
 *   it is not             it is ended, and we serve on, with the reason in log and status
 *   a drain or a stop     ends it, too
 */
#ifndef MTLSD_DAEMON_RUN_HANDOVER_H
#define MTLSD_DAEMON_RUN_HANDOVER_H

#include "run_state.h"

/* ---- in the old process ---- */

/* At start, before there is a second thread and a sandbox: makes the process that can start another one. */
void run_handover_prepare(struct run *r, const struct config *config);
void run_handover_end(struct run *r); /* after the server has ended */

void run_handover_ask(struct run *r);
/* A reload has ended: one that waited for it begins. */
void run_handover_go_on(struct run *r);
/* True: a reload has to wait, and is begun when it is over. */
bool run_handover_delays_reload(struct run *r);
/* We end, or drain by other means. */
void run_handover_stop(struct run *r);

/* ---- in the new one ---- */

/* As on_started of struct server_hooks. ctx: a struct run. */
int run_handover_wait(void *ctx, struct err *err);
/* We serve: what was handed over is ours. */
void run_handover_settle(struct run *r);

#endif
