/* SPDX-License-Identifier: Apache-2.0 */
/* The admin socket, admin.health, and the pages that routes serve. */
#ifndef MTLSD_DAEMON_RUN_ADMIN_H
#define MTLSD_DAEMON_RUN_ADMIN_H

#include "run_state.h"

/* -1 + err: the socket cannot be opened. */
MUST_CHECK int run_admin_start(struct run *r, struct err *err);
/* For a reload: *out is the listener that admin.health of next needs, which may be the one in use, or NULL. -1 + err: it cannot be opened. Afterwards
 * either use it or drop it. */
MUST_CHECK int run_admin_health_open(struct run *r, const struct config *next, struct admin_listener **out, struct err *err);
void run_admin_health_use(struct run *r, const struct config *config, struct admin_listener *next);
void run_admin_health_drop(struct run *r, struct admin_listener *next);
/* As on_served of struct server_hooks. ctx: a struct run. */
void run_admin_serve(void *ctx, int fd, enum config_serve what);

#endif
