/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines of the daemon about itself. */
#ifndef MTLSD_DAEMON_RUN_TELL_H
#define MTLSD_DAEMON_RUN_TELL_H

#include "run_state.h"

/* The words of the text's author instead of the configuration's. */
void run_tell_translate(const struct run_options *options, struct findings *findings);
/* A line for each. */
void run_tell_findings(const char *event, const struct findings *findings);
/* Certificates and lists of our own that ended since the last look. ctx: a struct run. */
void run_tell_dates(void *ctx);
void run_tell_listening(const struct snapshot *snapshot);

#endif
