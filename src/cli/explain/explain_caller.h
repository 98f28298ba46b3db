/* SPDX-License-Identifier: Apache-2.0 */
/* The calling program that explain is asked about. */
#ifndef MTLSD_CLI_EXPLAIN_CALLER_H
#define MTLSD_CLI_EXPLAIN_CALLER_H

#include "mtlsd/policy/caller.h"

/* *out, to be freed: a program of this user, with these groups where some are given. -1: one of them is unknown here. */
MUST_CHECK int explain_caller_read(const char *user, const char *const *groups, size_t n, struct caller **out, struct err *err);

#endif
