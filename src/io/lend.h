/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of the workers' listening sockets, gathered for a successor: each worker adds its own, on its thread. */
#ifndef MTLSD_IO_LEND_H
#define MTLSD_IO_LEND_H

#include "mtlsd/io/server.h"

#include <uv.h>

struct listen_socket;

struct lend {
    uv_async_t *wake; /* borrowed: told when the last worker has answered */
    uv_mutex_t lock;  /* guards what follows */
    struct server_socket *sockets; /* owned, with their descriptors */
    size_t n;
    unsigned missing; /* workers that owe an answer */
    bool failed;
    bool stopped; /* its user does not want it any more; for the main loop only, as the next ones */
    void (*on_all)(void *ctx);
    void *ctx;
};

/* NULL: out of memory. */
struct lend *lend_new(uv_async_t *wake, unsigned workers, void (*on_all)(void *ctx), void *ctx);
/* On a worker's thread, once: its sockets. All workers have the same descriptor of a unix socket: only one of them passes these (all). sockets may be NULL. */
void lend_answer(struct lend *l, const struct listen_socket *sockets, bool all);
/* Every worker has answered: nothing but its owner knows it any more. */
bool lend_is_complete(struct lend *l);
void lend_free(struct lend *l); /* NULL is fine */

#endif
