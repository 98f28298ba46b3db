/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that ask about the daemon itself: those of the admin socket and of admin.health, and those of routes with serve, which a worker makes
 * for a request.
 * One request each. What is answered is decided in control/; a page that goes on (server-sent events) is written here, as fast as it is read.
 */
#ifndef MTLSD_IO_ADMIN_CONN_H
#define MTLSD_IO_ADMIN_CONN_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/control/served.h"
#include "mtlsd/io/admin_listener.h"

#include <uv.h>

struct admin_conns {
    uv_loop_t *loop; /* borrowed */
    struct admin_hooks hooks;
    size_t most;
    struct admin_pending *first;
    size_t n, n_streams;
    int spare; /* a descriptor to accept one more with, where none is left; -1: not now */
    bool stopped;
    bool outside; /* admin.health: anyone may connect. When all places are taken, the oldest connection goes */
    char nonce[SERVED_NONCE_SIZE];
    struct bytes event; /* what streams say now, made once for all of them */
    uint64_t event_ms;
    void (*on_empty)(void *ctx); /* the last connection has gone; NULL: of no interest */
    void *ctx;
};

int admin_conns_init(struct admin_conns *s, uv_loop_t *loop, const struct admin_hooks *hooks, size_t most);
/* Takes fd. what: CONFIG_SERVE_NONE for the admin socket, CONFIG_SERVE_HEALTH for admin.health. Too many at once are hung up on. */
void admin_conn_begin(struct admin_conns *s, int fd, enum config_serve what);
/* Ends pages that go on: a drain, or another configuration, does not wait for them. */
void admin_conns_end_streams(struct admin_conns *s);
/* Closes all but what is being said, which may be finished: its timer ends it. Memory goes as the loop runs. */
void admin_conns_stop(struct admin_conns *s);

#endif
