/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the spare connections to upstreams (pool.spare), as many as the pool wants. */
#ifndef MTLSD_IO_SPARES_H
#define MTLSD_IO_SPARES_H

#include "worker.h"

/* Begins those that are wanted now; costs nothing when there are none. */
void spares_fill(struct worker *w);
/* Call it each second: ends those that take longer than they may. */
void spares_expire(struct worker *w, struct moment now);
/* Gives up those that are being made: the pool they are meant for is about to go. */
void spares_stop(struct worker *w);

#endif
