/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: one loop with its own listening sockets, connections, pool and counters. It shares nothing with other workers but the
 * snapshot, which is immutable. Everything here runs on the worker's thread; orders come through server.c by a message.
 */
#ifndef MTLSD_IO_WORKER_H
#define MTLSD_IO_WORKER_H

#include "caller_ask.h"
#include "capacity.h"
#include "listening.h"
#include "ours_refused.h"
#include "refusing.h"
#include "resolve.h"
#include "served_queue.h"
#include "stream.h"

#include "mtlsd/control/access_log.h"
#include "mtlsd/control/snapshot.h"
#include "mtlsd/proxy/early_answer.h"
#include "mtlsd/proxy/client.h"
#include "mtlsd/proxy/pool.h"
#include "mtlsd/proxy/pump.h"
#include "mtlsd/proxy/uplink.h"

#include <sys/socket.h>

struct conn;
struct health;
struct spare;

/* The listening sockets, and the clients that find no place (listening.c). */
struct listening {
    struct listen_socket *sockets;
    size_t n_waiting;         /* sockets with a client that waits */
    uv_timer_t asked;         /* runs while clients wait for other workers to let idle ones go */
    uv_timer_t tell;          /* runs while refused clients are not in the log yet */
    uint64_t idle_look_us;    /* before that no client of this worker is idle */
    uint64_t ask_again_us;    /* before that other workers are not asked */
    unsigned asks_seen;
    struct refusing refusing;
    struct early_answer answer; /* to the clients it refuses */
};

/* Peers that are verified again, after lists, rows or the configuration changed (worker_rejudge.c). */
struct rejudge {
    struct conn *next; /* the next of those that are; NULL: all were */
    unsigned round;    /* counts the times that all had to be */
    bool rows_only;    /* for rows of a registry: those whose row stayed are spared the rest */
    bool idle_too;     /* also those that wait for a request */
    uv_idle_t turn;    /* runs while some have still to be */
};

/* Attempts to connect that wait (connector.c). */
struct connecting {
    struct connector *racing_first, *racing_last; /* those that will try another address soon, the next one first */
    uv_timer_t race_timer;
    struct connector *wanting_first, *wanting_last; /* those that wait for a place, the oldest first */
    uv_timer_t place_timer;
};

/* Memory that is given back after a crowd. */
struct ebb {
    size_t most_links;         /* the most connections since it was last given back */
    uv_timer_t timer;          /* runs for a while after half of them have gone */
    void (*on_ebb)(void *ctx); /* then memory may be given back, beside the loop */
    void *ctx;
};

/* A drain or a stop. */
struct worker_end {
    size_t n_cut; /* requests and connections that ran when the time to drain was over */
    bool draining, finished;
    void (*on_finished)(void *ctx); /* no connection is left */
    void *ctx;
};

struct spares { /* connections to upstreams that are kept ready (spares.c) */
    struct spare *first; /* that are being made */
    bool fills;
};

struct health_checks {
    bool here;             /* this worker does it for all */
    struct health *checks; /* NULL: nothing is checked */
};

struct worker {
    uv_loop_t *loop;           /* borrowed */
    struct snapshot *snapshot; /* counted: the current one */
    struct proxy_env env;
    struct stream_buffer buffer;
    struct access_log access_log;
    struct conn *conns;
    size_t n_conns, n_uplinks;
    struct capacity *capacity;   /* borrowed: of all workers */
    struct ours_refused *ours;   /* borrowed: to the main loop; NULL: it does not ask */
    struct served_queue *served; /* borrowed: to our own pages */
    struct listening listening;
    struct resolve names;
    struct caller_asker callers;
    struct connecting connecting;
    struct spares spares;
    struct health_checks health;
    struct rejudge rejudge;
    struct ebb ebb;
    struct worker_end end;
    uv_timer_t tick;      /* runs while the pool holds something, or is to */
    uv_timer_t lifetimes; /* runs while connections are open that will have to end at some time */
    uv_timer_t held;      /* runs while the access_log holds lines back */
    uv_prepare_t turn;    /* before the loop sleeps: the log of this turn leaves, and the next one begins */
    uv_idle_t crowd;      /* runs while streams or links wait for their turn */
};

/* Takes a reference of snapshot; borrows the others. */
MUST_CHECK int worker_init(struct worker *w, uv_loop_t *loop, struct snapshot *snapshot, struct capacity *capacity, struct refusals *refusals,
                           struct err *err);
/* After the loop ended. */
void worker_clear(struct worker *w);

struct moment worker_now(void);
/* Begins to check the health of all targets; goes on through reloads until the drain. */
void worker_check_health(struct worker *w);
/* Begins to accept on a bound and listening descriptor, which it takes. */
int worker_listen(struct worker *w, int fd, bool tcp, const char *address, const char *listener, struct err *err);
/* Moves to another snapshot: sockets whose address it does not name are closed, idle upstream connections of the old one too. */
void worker_adopt(struct worker *w, struct snapshot *next);
/* Judges all peers again by what is known of revocation now, over some turns of the loop; each before it is listened to again. */
void worker_rejudge(struct worker *w);
/* Rows of a registry have changed, and nothing else. withdrawn: a row that was there is another one or gone; otherwise some only came. */
void worker_rejudge_rows(struct worker *w, bool withdrawn);
/* How many clients may wait for OCSP responders. Each holds a place while it waits, so that others must find some beside them (security A12). */
void worker_bound_waiting(struct worker *w);
/* Answers of OCSP responders came, for clients that may be waiting. */
void worker_look_at_waiting(struct worker *w);
/* patient: HTTP/1 clients that are idle may send one more request; a second call without it ends that. */
void worker_drain(struct worker *w, bool patient);
void worker_cut(struct worker *w);  /* the time to drain is over: connections that still run are logged, counted and ended */
void worker_stop(struct worker *w); /* at once: connections that still run are logged and ended */

/* for conn.c, upconn.c and connector.c */
/* Drives what was touched, and closes what was retired. Every callback of a socket or a timer ends in it. The clock is read once for both. */
void worker_pump(struct worker *w, struct moment now);
void worker_reap(struct worker *w);       /* closes what the pool retired */
bool worker_make_room(struct worker *w);     /* closes idle upstream connections; false: there was none */
void worker_conn_closed(struct worker *w); /* room for one more, or finished */
void worker_uplink_closed(struct worker *w);

#endif
