/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox of this process (io/sandbox.h), and the way out of it: a new process, which gets another one. */
#ifndef MTLSD_DAEMON_RUN_SANDBOX_H
#define MTLSD_DAEMON_RUN_SANDBOX_H

#include "run_state.h"

/* Before there is a second thread. */
void run_sandbox_files(struct run *r, const struct config *config);
/* Once nothing is left to open as another user. */
void run_sandbox_calls(struct run *r);
/* Now and then: hands over when a file of the resolver was replaced, which this process can no longer read. */
void run_sandbox_look(struct run *r);

#endif
