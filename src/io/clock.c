/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/clock.h"

#include <time.h>

int64_t clock_now(void)
{
    return (int64_t)time(NULL);
}

static uint64_t microseconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_monotonic_us(void)
{
    return microseconds_of(CLOCK_MONOTONIC);
}

uint64_t clock_cpu_us(void)
{
    return microseconds_of(CLOCK_THREAD_CPUTIME_ID);
}

double clock_now_precise(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
