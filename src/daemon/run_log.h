/* SPDX-License-Identifier: Apache-2.0 */
/* Where log lines go: files are opened first, and used once nothing can fail any more. */
#ifndef MTLSD_DAEMON_RUN_LOG_H
#define MTLSD_DAEMON_RUN_LOG_H

#include "mtlsd/config/config.h"
#include "mtlsd/io/log_others.h"

struct run_log_opened {
    int fd; /* of the main log; -1: standard error */
    struct log_others others;
};

/* Of the main log. */
enum log_format run_log_format(const struct config *config);
/* -1 + err: nothing is open. */
MUST_CHECK int run_log_open(const struct config *config, struct run_log_opened *opened, struct err *err);
/* Takes what was opened. */
void run_log_use(const struct config *config, struct run_log_opened *opened);
/* Instead of using it. */
void run_log_close(struct run_log_opened *opened);
/* The files in use, after others renamed them. */
void run_log_reopen(void);

#endif
