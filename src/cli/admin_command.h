/* SPDX-License-Identifier: Apache-2.0 */
/* The common part of status, reload and drain: flags that name the daemon, one request to it, and its answer. */
#ifndef MTLSD_CLI_ADMIN_COMMAND_H
#define MTLSD_CLI_ADMIN_COMMAND_H

#include "page.h"

struct admin_command {
    const char *word;  /* "status" */
    const char *about; /* one paragraph */
    const char *method, *path;
    unsigned timeout_ms;
    unsigned fine;             /* the HTTP status that says that it was done */
    page_print_fn print;   /* what is said then */
    page_print_fn refused; /* and on stderr after 422; NULL: there is no such answer */
};

/* Gives an exit code. */
int admin_command_run(const struct admin_command *command, int argc, char **argv);

#endif
