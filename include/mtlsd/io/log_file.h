/* SPDX-License-Identifier: Apache-2.0 */
/* Where log lines go: standard error. Lines of ordinary traffic are gathered per thread and leave once per turn of its loop; warnings
 * and errors leave at once. What nobody reads is dropped, and how much is told once somebody reads again. */
#ifndef MTLSD_IO_LOG_FILE_H
#define MTLSD_IO_LOG_FILE_H

#include "mtlsd/base/log.h"

void log_file_write(void *ctx, enum log_level level, struct span line); /* a log_sink_fn */
/* At the very start: standard streams that are closed become /dev/null, else the first socket opened would take their place and get our
 * output. */
void log_file_keep_streams(void);
void log_file_flush(void); /* what this thread has gathered */

#endif
