/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/clock.h"

#include <time.h>

int64_t clock_now(void)
{
    return (int64_t)time(NULL);
}
