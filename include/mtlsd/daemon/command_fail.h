/* SPDX-License-Identifier: Apache-2.0 */
/* How a command ends: its exit code, and one line on stderr. */
#ifndef MTLSD_DAEMON_COMMAND_FAIL_H
#define MTLSD_DAEMON_COMMAND_FAIL_H

#include "mtlsd/base/attr.h"

enum command_exit {
    COMMAND_FINE = 0,
    COMMAND_FAILED = 1,  /* ran and failed */
    COMMAND_USAGE = 2,   /* the command line is wrong */
    COMMAND_REFUSED = 3, /* a configuration or a credential was refused */
    COMMAND_REFUSAL = 4, /* the subject of the command is refused (verify, check --connect, drill) */
};

/* One line on stderr, "mtlsd: ...", and the exit code given, so that "return command_fail(...)" reads well. */
int command_fail(int exit_code, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The exit code that belongs to an error's kind; says its text on stderr. */
struct err;
int command_fail_err(const struct err *err);

#endif
