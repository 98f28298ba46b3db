/* SPDX-License-Identifier: Apache-2.0 */
/* The logs beside the main one: each a destination with its own format and kinds of lines. As there, lines are gathered per thread, and dropped and
 * counted where the reader or the disk does not take them. All functions but log_others_flush are of the main thread. */
#ifndef MTLSD_IO_LOG_OTHERS_H
#define MTLSD_IO_LOG_OTHERS_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/err.h"
#include "mtlsd/base/log.h"

#include <stdbool.h>
#include <stdint.h>

enum { LOG_OTHERS_MAX = 8 };

struct log_others_row {
    const char *target;      /* "stderr", "stdout", or a file as in base/log_name.h; borrowed */
    uint64_t seconds, bytes; /* rotation; 0: not by that */
    struct log_other takes;
};

struct log_others { /* opened, and not in use yet */
    size_t n;
    int fd[LOG_OTHERS_MAX];
};

/* Opens all of them, or gives -1 + err and none. At most LOG_OTHERS_MAX. */
MUST_CHECK int log_others_open(struct log_others *opened, const struct log_others_row *rows, size_t n, struct err *err);
void log_others_close(struct log_others *opened); /* they are not used after all */
/* Writes to these and no others from now on; takes them. A file that was in use keeps what threads have gathered for it. */
void log_others_use(struct log_others *opened, const struct log_others_row *rows);
/* Opens each file again by its name. -1 + err: at least one stays as it was. */
MUST_CHECK int log_others_reopen(struct err *err);
void log_others_flush(void); /* the gathered lines of this thread */

#endif
