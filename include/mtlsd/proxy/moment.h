/* SPDX-License-Identifier: Apache-2.0 */
/* The time, as an argument: nothing in this room reads a clock. */
#ifndef MTLSD_PROXY_MOMENT_H
#define MTLSD_PROXY_MOMENT_H

#include <stdint.h>

struct moment {
    uint64_t us; /* monotonic */
    int64_t utc; /* seconds since 1970 */
};

#endif
