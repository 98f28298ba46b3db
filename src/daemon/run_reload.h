/* SPDX-License-Identifier: Apache-2.0 */
/* A reload: load on the side, swap on the main loop. */
#ifndef MTLSD_DAEMON_RUN_RELOAD_H
#define MTLSD_DAEMON_RUN_RELOAD_H

#include "run_state.h"

/* NULL + findings. */
struct config *run_reload_read(const struct run_options *options, struct findings *findings);
/* Takes config. NULL + findings. */
struct snapshot *run_reload_load(const struct run *r, struct config *config, uint64_t generation, struct findings *findings);
/* Begins a reload, now or after the one that runs. config: also of the configuration's text. who may be NULL. */
enum reload_turn run_reload_ask(struct run *r, struct admin_pending *who, bool config);
/* One that was asked for begins now. */
void run_reload_begin(struct run *r);
/* One that was asked for does not begin: those who asked learn why. */
void run_reload_refuse(struct run *r, const char *why);
/* Files have changed. ctx: a struct run. */
void run_reload_on_files(void *ctx, bool config);
/* Also after a reload that failed, which may have begun to read others. */
void run_reload_registries(struct run *r);

#endif
