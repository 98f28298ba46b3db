/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running daemon without its commands: a main loop, workers on threads, their sockets, and signals. Worker 0 lives on the main loop.
 * It carries out; what to do with a signal or a reload is its user's.
 */
#ifndef MTLSD_IO_SERVER_H
#define MTLSD_IO_SERVER_H

#include "mtlsd/control/admin.h"
#include "mtlsd/control/counters.h"
#include "mtlsd/control/refusals.h"
#include "mtlsd/control/snapshot.h"
#include "mtlsd/io/background.h"

struct server;
struct inherited;
struct uv_loop_s;
struct fallback_refusal;

enum server_signal { SERVER_RELOAD, SERVER_REOPEN_LOG, SERVER_HAND_OVER, SERVER_DRAIN, SERVER_STOP };

struct server_hooks {
    void *ctx;
    void (*on_signal)(void *ctx, enum server_signal what); /* on the main loop */
    /* Every worker has its thread, and none accepts yet; it may take its time. -1 + err: none is to. May be NULL. */
    int (*on_started)(void *ctx, struct err *err);
    void (*on_running)(void *ctx); /* every worker runs; may be NULL */
    /* On the main loop: a worker's connection that asks for a page of ours. Takes fd. NULL: none is served. */
    void (*on_served)(void *ctx, int fd, enum config_serve what);
    /* On the main loop, while server_watch_ours is on: an upstream refuses a certificate of the current snapshot. NULL: of no interest. */
    void (*on_ours_refused)(void *ctx, const struct fallback_refusal *refusal);
    const struct inherited *inherited; /* borrowed: the sockets that were passed; NULL: none */
    const struct inherited *handed;    /* borrowed until server_run: those of the process that this one takes the place of, by address; NULL: none */
};

/* Opens every socket the snapshot names (all or nothing), takes a reference of it. No thread runs yet. NULL + err. */
struct server *server_new(struct snapshot *snapshot, const struct server_hooks *hooks, struct err *err);
/* Signals wait until server_run takes them: else one that comes during the start would end the process at once. all: those that end it too, from the
 * moment on when sockets listen; before that Ctrl-C stops a load that takes long. */
void server_hold_signals(bool all);
/* Serves until it was drained or stopped. 0, or -1 + err when it could not begin. */
MUST_CHECK int server_run(struct server *s, struct err *err);
/* After server_run: how many requests and connections were cut when the time to drain was over. */
size_t server_cut(const struct server *s);
/* After server_run: a name is still being looked up, on a thread that nothing can stop; only _exit does not care. */
bool server_is_held(const struct server *s);
void server_free(struct server *s);

/* All or nothing: opens what is new, then every worker moves over. On failure nothing has changed. */
MUST_CHECK int server_adopt(struct server *s, struct snapshot *next, struct err *err);
/* Call this after revocation lists of the current snapshot were replaced. Every worker verifies the peers of its connections again, closes those that
 * are now refused, and forgets its session tickets. */
void server_rejudge(struct server *s);
/* Only rows of registries have changed: connections whose row stayed are not verified again. withdrawn: tickets are forgotten too. */
void server_rejudge_rows(struct server *s, bool withdrawn);
/* Answers of OCSP responders came: workers go on with the clients that wait for them. From any thread, until server_free. */
void server_tell_answers(struct server *s);
/* Accepts nothing more, finishes what runs; what is left after the time is cut. HTTP/1 clients that wait between two requests may send another one for
 * patience_ms, which is answered with Connection: close: a request that is under way meanwhile is not lost. */
void server_drain(struct server *s, uint64_t within_ms, uint64_t patience_ms);
/* Before a drain: files of sockets belong to a successor, which has the sockets. The first SIGTERM after it only drains, too. */
void server_leave_files(struct server *s);
void server_stop(struct server *s);
bool server_is_draining(const struct server *s);

/* The listening sockets, for a successor; not those that were passed. All stay open here. on_all comes on the main loop, when every worker has
 * answered; then server_lent gives them. -1: out of memory. */
struct server_socket {
    int fd;        /* of its own */
    char *address; /* as configured */
};
int server_lend(struct server *s, void (*on_all)(void *ctx), void *ctx);
/* Borrowed until server_lend_stop. -1: descriptors or memory were short. */
int server_lent(const struct server *s, const struct server_socket **sockets, size_t *n);
/* on_all is not called any more. */
void server_lend_stop(struct server *s);

void server_watch_ours(struct server *s, bool watched);

/* Asks every worker for a sign of life, and whether each has answered the last question. A worker that finished owes none. */
void server_ask(struct server *s);
bool server_answered(const struct server *s);

/* Threads beside the main loop. */
struct background *server_background(struct server *s);

const struct snapshot *server_snapshot(const struct server *s);
unsigned server_workers(const struct server *s);
void server_sum_counters(const struct server *s, struct counters *into);
void server_room(struct server *s, struct admin_room *room);
struct refusals *server_refusals(struct server *s);
struct uv_loop_s *server_loop(struct server *s);

#endif
