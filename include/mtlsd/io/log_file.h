/* SPDX-License-Identifier: Apache-2.0 */
/* The log's destination: standard error, standard output, or a file. Lines of ordinary traffic are gathered per thread and written once per turn
 * of its loop; warnings and errors at once. Lines that the reader or the disk does not take are dropped and counted, and the count is logged when
 * lines pass again. */
#ifndef MTLSD_IO_LOG_FILE_H
#define MTLSD_IO_LOG_FILE_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/err.h"
#include "mtlsd/base/log.h"

void log_file_write(void *ctx, enum log_kind kind, enum log_level level, struct span line); /* a log_sink_fn */
/* At the very start: standard streams that are closed become /dev/null, else the first socket opened would take their place and get our
 * output. */
void log_file_keep_streams(void);
void log_file_flush(void); /* the gathered lines of this thread */

/* A line about the log itself, on standard error: through the log it might come back to the same full disk. */
void log_file_complain(const char *what, int because);

/* Opens a file for appending, made with mode 0640 where it does not exist. Its name may have fields of the date (base/log_name.h), which is that of the
 * begin of the current period of so many seconds; 0: now. Gives a descriptor, or -1 + err. */
MUST_CHECK int log_file_open_period(const char *path, uint64_t seconds, struct err *err);
MUST_CHECK int log_file_open(const char *path, struct err *err);
/* Whether log_file_open would work, without making the file. 0, or -1 + err. */
MUST_CHECK int log_file_check(const char *path, struct err *err);
/* A descriptor of standard output that log_file_use may take, or -1 + err. */
MUST_CHECK int log_file_stdout(struct err *err);
/* Writes lines to that descriptor from now on, and takes it; path is copied, NULL if it cannot be opened again. accesses_only: events still go to
 * standard error. fd -1: everything goes to standard error. Lines that other threads gathered before go to the new destination. */
void log_file_use(const char *path, int fd, bool accesses_only);
/* Begins a new file in each period of so many seconds, and before it is larger than that; 0: not by that. After log_file_use. */
void log_file_rotate(uint64_t seconds, uint64_t bytes);
/* Opens the file again by its path, after it was moved away; no line is lost. Nothing to do without a path. On failure the old one stays. */
MUST_CHECK int log_file_reopen(struct err *err);

#endif
