/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of log files with fields of the date, as strftime writes them: "access.%Y-%m-%d.log". All dates are UTC, as in the lines themselves: local
 * time has days of 23 and 25 hours, and an hour that occurs twice. Only the part behind the last slash has fields, for mtlsd makes no folders.
 */
#ifndef MTLSD_BASE_LOG_NAME_H
#define MTLSD_BASE_LOG_NAME_H

#include "mtlsd/base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why a target is no such name, or NULL. */
const char *log_name_fault(const char *target);
bool log_name_has_fields(const char *target);
/* The name at that moment. -1: it does not fit. */
MUST_CHECK int log_name_write(const char *target, int64_t utc, char *out, size_t size);
/* When the period of so many seconds began that holds the moment; periods are counted from 1970, so that "1d" changes at midnight. */
int64_t log_name_period(int64_t utc, uint64_t seconds);
/* When the name may be another one, or the period: the earliest moment after utc. seconds 0: there are only fields. */
int64_t log_name_next(const char *target, int64_t utc, uint64_t seconds);

#endif
