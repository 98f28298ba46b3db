/* SPDX-License-Identifier: Apache-2.0 */
/* The wall clock. Everything that decides takes "now" as an argument; the edge gets it here. */
#ifndef MTLSD_IO_CLOCK_H
#define MTLSD_IO_CLOCK_H

#include <stdint.h>

int64_t clock_now(void); /* seconds since 1970 */
double clock_now_precise(void); /* the same with a fraction, for the log */

#endif
