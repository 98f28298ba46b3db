/* SPDX-License-Identifier: Apache-2.0 */
/* Durations and sizes as the configuration writes them. Nothing wraps: a number too large is refused. */
#ifndef MTLSD_BASE_UNITS_H
#define MTLSD_BASE_UNITS_H

#include "mtlsd/base/err.h"
#include <stdint.h>

/* "250ms", "10s", "5m", "2h", "7d"; a bare number is refused, except "0". */
MUST_CHECK int units_duration_ms(const char *text, uint64_t *ms, struct err *err);
/* The shortest text that units_duration_ms reads as ms; of an odd number of milliseconds those: "90s", "1500ms". */
enum { UNITS_DURATION_SIZE = 24 };
void units_write_duration(char out[UNITS_DURATION_SIZE], uint64_t ms);
/* "512", "64KiB", "10MiB", "1GiB" (also K, M, G meaning the same). */
MUST_CHECK int units_size(const char *text, uint64_t *bytes, struct err *err);

#endif
