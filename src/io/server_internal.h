/* SPDX-License-Identifier: Apache-2.0 */
/* The state of server.h, for the files that carry it out. */
#ifndef MTLSD_IO_SERVER_INTERNAL_H
#define MTLSD_IO_SERVER_INTERNAL_H

#include "mtlsd/io/server.h"

#include "lend.h"
#include "order.h"
#include "worker.h"

#include <stdatomic.h>

enum { SERVER_SIGNALS = 6, SERVER_WORKERS_MAX = 256 };

struct hand { /* a worker and its thread; 0 has none of its own */
    struct server *server;
    struct worker worker;
    uv_loop_t own_loop;
    uv_thread_t thread;
    uv_async_t wake;
    uv_mutex_t lock;      /* guards orders */
    struct order *orders; /* oldest first */
    _Atomic unsigned answered; /* the last question of server_ask */
    _Atomic bool over;         /* the worker has finished */
    bool threaded;
};

struct server {
    uv_loop_t loop;
    struct server_hooks hooks;
    struct snapshot *snapshot; /* counted: the current one */
    struct socket_file *files; /* owned: of the sockets that listen */
    struct refusals *refusals;
    struct background *background; /* owned */
    struct hand *hands;
    unsigned n_hands;
    struct capacity capacity;
    struct served_queue served; /* of requests for our own pages */
    struct ours_refused ours;
    struct lend *lend; /* owned; NULL: no sockets are being gathered */
    _Atomic unsigned n_finished;
    _Atomic unsigned asked; /* questions of server_ask */
    uv_async_t wake;
    uv_signal_t signals[SERVER_SIGNALS];
    uv_sem_t begin; /* posted once for each thread */
    uv_timer_t drain_timer, patience;
    bool draining;
    bool left; /* to a successor: no signal has asked for an end yet */
};

/* server_orders.c */
/* From the main loop to a worker. Takes o. */
void server_give(struct hand *h, struct order *o);
void server_tell_all(struct server *s, enum order_kind kind);
/* Gives next to every worker with the sockets that it needs, or to none. old: what runs; NULL: the start. */
MUST_CHECK int server_adopt_with(struct server *s, struct snapshot *next, const struct snapshot *old, struct err *err);
void server_on_orders(uv_async_t *wake); /* on the worker's thread */

/* server_lend.c */
/* A worker has answered. */
void server_look_at_lend(struct server *s);

#endif
