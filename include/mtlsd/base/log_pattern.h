/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formats of logs that are patterns of variables (base/template.h). Threads log while a reload changes them, without a lock. So each pattern is
 * taken apart once, and kept until the process ends: there are as many as configurations ever named.
 */
#ifndef MTLSD_BASE_LOG_PATTERN_H
#define MTLSD_BASE_LOG_PATTERN_H

#include "mtlsd/base/log.h"
#include "mtlsd/base/template.h"

enum { LOG_PATTERNS = 9 /* the main log and 8 others */ };

/* Of the main thread. -1: out of memory, or it is none. */
MUST_CHECK int log_pattern_keep(const char *text);
/* The pattern with this number is from now on this one, which was kept; NULL: there is none. */
void log_pattern_use(unsigned number, const char *text);
/* Of any thread. NULL: the format is no pattern, or its log has none any more. */
const struct template *log_pattern_of(enum log_format format);

#endif
