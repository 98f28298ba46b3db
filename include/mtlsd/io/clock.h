/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks. Everything that decides takes "now" as an argument; the edge gets it here. */
#ifndef MTLSD_IO_CLOCK_H
#define MTLSD_IO_CLOCK_H

#include <stdint.h>

int64_t clock_now(void); /* seconds since 1970 */
uint64_t clock_monotonic_us(void); /* since some moment of this boot: what exchanges call now */
uint64_t clock_cpu_us(void);       /* CPU time of this thread: what work costs, without what it waited for */
double clock_now_precise(void); /* the same with a fraction, for the log */

#endif
