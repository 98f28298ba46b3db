/* SPDX-License-Identifier: Apache-2.0 */
/* Access lines by the pattern of a configuration. Each value is escaped and bounded where it stands, so that one report is one line (security C8). */
#ifndef MTLSD_CONTROL_ACCESS_PATTERN_H
#define MTLSD_CONTROL_ACCESS_PATTERN_H

#include "mtlsd/base/template.h"
#include "mtlsd/proxy/report.h"

/* Bits of enum observer_wants: of all logs of the configuration. */
unsigned access_pattern_wants(const struct config *config);
/* Appends the line with its newline. -1: out of memory. */
MUST_CHECK int access_pattern_write(struct bytes *out, const struct template *pattern, const struct report *r, int64_t utc);

#endif
