/* SPDX-License-Identifier: Apache-2.0 */
/* From a worker to the main loop: our end of a connection that asks about the daemon itself (serve). */
#ifndef MTLSD_IO_HANDOVER_H
#define MTLSD_IO_HANDOVER_H

#include "mtlsd/config/config.h"

#include <uv.h>

struct handed;

struct handover {
    uv_async_t wake;
    uv_mutex_t lock; /* guards first */
    struct handed *first;
    void (*take)(void *ctx, int fd, enum config_serve what); /* on the main loop; takes fd. NULL: it is closed */
    void *ctx;
};

int handover_init(struct handover *h, uv_loop_t *loop);
/* On any thread. Takes fd. -1: out of memory. */
int handover_give(struct handover *h, int fd, enum config_serve what);
/* After the loop ended. */
void handover_clear(struct handover *h);

#endif
