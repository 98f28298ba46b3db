/* SPDX-License-Identifier: Apache-2.0 */
/* From a worker to the main loop: our end of a connection that asks about the daemon itself (serve). */
#ifndef MTLSD_IO_SERVED_QUEUE_H
#define MTLSD_IO_SERVED_QUEUE_H

#include "mtlsd/config/config.h"

#include <uv.h>

struct served_client;

struct served_queue {
    uv_async_t wake;
    uv_mutex_t lock; /* guards first */
    struct served_client *first;
    void (*take)(void *ctx, int fd, enum config_serve what); /* on the main loop; takes fd. NULL: it is closed */
    void *ctx;
};

int served_queue_init(struct served_queue *q, uv_loop_t *loop);
/* On any thread. Takes fd. -1: out of memory. */
int served_queue_give(struct served_queue *q, int fd, enum config_serve what);
/* After the loop ended. */
void served_queue_clear(struct served_queue *q);

#endif
