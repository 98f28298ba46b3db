/* SPDX-License-Identifier: Apache-2.0 */
/* The socket of a client, with its timer. Every callback records the event and ends in worker_pump. */
#ifndef MTLSD_IO_CONN_H
#define MTLSD_IO_CONN_H

#include "worker.h"

struct older { /* what requests began with that run beside others (HTTP/2) */
    struct older *next;
    struct snapshot *snapshot; /* counted */
    const struct plan_listener *listener;
};

struct conn {
    struct worker *worker;
    struct snapshot *snapshot; /* counted: the one its client points into */
    struct older *older;       /* owned: those that exchanges of it still point into */
    const struct listen_socket *from; /* borrowed: where it was accepted; NULL: that listener is gone */
    struct stream stream;
    struct client *client;
    uv_timer_t timer;
    uint64_t armed_us; /* when the timer fires; UINT64_MAX: not armed */
    struct conn *prev, *next;
    unsigned rejudgement; /* of the worker's, the last that this one went through */
    bool closing;
    unsigned handles; /* still open */
};

extern const struct run_driver conn_driver;

/* Begins to serve a client that was accepted from a listening socket. Takes fd, and the place that was taken for it. */
void conn_accept(struct worker *w, struct listen_socket *from, int fd, const struct sockaddr_storage *peer);
/* The listener that has its address now; without one, the listener with the same name. NULL: neither is there. */
const struct plan_listener *conn_listener(const struct conn *c);
/* Judges the peers again by the current snapshot and what is known of revocation; worker_pump has to follow. */
void conn_rejudge(struct conn *c, struct moment now);
void conn_close(struct conn *c, bool reset);
/* An idle client is told to come back, and closed at once. */
void conn_give_way(struct conn *c, struct moment now);

#endif
