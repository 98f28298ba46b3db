/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a configuration in the foreground until it is drained or stopped: what run, client and server have in common. */
#ifndef MTLSD_DAEMON_RUN_H
#define MTLSD_DAEMON_RUN_H

#include "mtlsd/config/config.h"
#include "mtlsd/control/snapshot.h"

struct run_options {
    const char *path; /* the configuration file that a reload reads again */
    const char *text; /* or the configuration itself: a reload reads the files that it names again */
    const char *place; /* the file name for findings about text */
    void (*translate)(struct findings *findings); /* translates findings into the words of the text's author; may be NULL */
};

/* Prints each finding as "mtlsd: where: text". */
void run_print_findings(const struct findings *findings);
/* Takes config. Gives an exit code (command.h); what was wrong is on stderr. */
int daemon_run(struct config *config, const struct run_options *options);

#endif
