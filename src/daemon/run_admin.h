/* SPDX-License-Identifier: Apache-2.0 */
/* The admin socket and the pages that routes serve. */
#ifndef MTLSD_DAEMON_RUN_ADMIN_H
#define MTLSD_DAEMON_RUN_ADMIN_H

#include "run_state.h"

/* -1 + err: the socket cannot be opened. */
MUST_CHECK int run_admin_start(struct run *r, struct err *err);
/* As on_served of struct server_hooks. ctx: a struct run. */
void run_admin_serve(void *ctx, int fd, enum config_serve what);

#endif
