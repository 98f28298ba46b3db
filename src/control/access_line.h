/* SPDX-License-Identifier: Apache-2.0 */
/* Access lines in the formats of web servers, for programs that read them. All texts from peers are escaped and bounded: one report is one line,
 * and no field reaches into the next. */
#ifndef MTLSD_CONTROL_ACCESS_LINE_H
#define MTLSD_CONTROL_ACCESS_LINE_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/log.h"
#include "mtlsd/proxy/report.h"

enum { ACCESS_LINE_MAX = 32 * 1024 };

/* This report gets an access line: a request, or a connection to a tcp listener. A connection that came to nothing before its first request
 * gets none, as with web servers: it is an event. */
bool access_line_is_due(const struct report *r);

/* Appends the line with its newline. format is one of those that log_parts_accesses names:
 *   combined     client - subject [time] "request" status bytes "referer" "user-agent"
 *   ssl_request  [time] client version suite "request" bytes
 * Missing values are "-". The subject is that of a valid certificate: an unproven name is no user. Its spaces are escaped, too. -1:
 * out of memory. */
MUST_CHECK int access_line_write(struct bytes *out, enum log_format format, const struct report *r, int64_t utc);

#endif
