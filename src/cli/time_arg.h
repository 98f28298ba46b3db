/* SPDX-License-Identifier: Apache-2.0 */
/* A time on the command line. */
#ifndef MTLSD_CLI_TIME_ARG_H
#define MTLSD_CLI_TIME_ARG_H

#include "mtlsd/base/err.h"
#include <stdint.h>

/* RFC 3339, as in "2026-01-31T23:59:59Z" or "2026-01-31 23:59:59.5+05:30" (a fraction is dropped); "2026-01-31" (its first second, UTC); or
 * "@1767225600". */
MUST_CHECK int time_arg_parse(const char *text, int64_t *seconds, struct err *err);

#endif
