/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a configuration in the foreground until it is drained or stopped: what run, client and server have in common. */
#ifndef MTLSD_DAEMON_RUN_H
#define MTLSD_DAEMON_RUN_H

#include "mtlsd/control/snapshot.h"

struct run_options {
    const char *path; /* the configuration file, which a reload reads again */
    const char *text; /* or, with path NULL, the configuration itself: a reload reads the files that it names again */
    const char *place; /* the file name for findings about text */
    void (*translate)(struct findings *findings); /* translates findings into the words of the text's author; may be NULL */
};

/* Prints each finding as "mtlsd: where: text". */
void run_print_findings(const struct findings *findings);
/* Loads the configuration and runs it. Gives an exit code (command_fail.h); what was wrong is on stderr. */
int daemon_run(const struct run_options *options);

#endif
