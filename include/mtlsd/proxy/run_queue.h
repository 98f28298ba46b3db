/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run queue of a worker: the links that were touched in this turn and have to be driven. Whatever gives a link something to send, to read on or
 * to end touches it; pump (pump.h) then drives links until the queue is empty. So one connection never works on another one's behalf.
 */
#ifndef MTLSD_PROXY_RUN_QUEUE_H
#define MTLSD_PROXY_RUN_QUEUE_H

#include "mtlsd/base/reasons.h"
#include "mtlsd/base/span.h"
#include "mtlsd/proxy/moment.h"

#include <stdbool.h>
#include <stdint.h>

struct caller;
struct block_cache;
struct link;
struct uplink;

enum link_end { LINK_CLIENT, LINK_UPLINK }; /* whose connection it is */

enum { RUN_DRIVES = 64 }; /* of one link in a turn: more, and others are served first */

struct run_failure { /* a socket that cannot be written to any more */
    bool ours;       /* for a lack of our own, which says nothing about the peer */
    char text[160];
};

/* The functions of a driver for the links of one kind. socket is link.socket. */
struct run_driver {
    /* Gives how many bytes left; 0: it takes none now. */
    size_t (*send)(void *socket, const struct span *runs, size_t n);
    /* A write failed, and nothing waits to be read that could tell more. */
    bool (*has_failed)(void *socket, struct run_failure *why);
    /* Ends our direction, once everything has left. False: something is still on its way. */
    bool (*shut)(void *socket);
    /* The last call of a turn. reads: more may be read. The link may be gone afterwards. */
    void (*end_turn)(void *socket, bool reads, struct moment now);
    /* For a client that is done, in place of end_turn: closes its connection and frees it. */
    void (*close)(void *socket, bool reset);
    /* For a client, before the requests that it sent ahead are read. False: it may not go on. */
    bool (*before_next)(void *socket, struct moment now);
    /* For a client: the program that opened its connection (policy/caller.h), to be freed; NULL: out of memory. */
    struct caller *(*ask_caller)(void *socket);
};

struct run_place { /* of a link */
    struct link *next, *turn_next, *held_next;
    bool queued, in_turn, held;
    unsigned char drives; /* in this turn */
};

struct run_queue {
    struct link *first, *last; /* to be driven */
    struct link *turn;         /* all that were driven in this turn */
    const struct run_driver *drivers[2]; /* by enum link_end */
    struct block_cache *blocks; /* borrowed: where memory of what was sent goes; NULL: to the allocator */
    /* Begins to connect an uplink: uplink_on_connected or uplink_on_connect_failed follows, maybe before this returns. */
    void (*connect)(struct uplink *u);
    /* Says what an attempt to connect that ran out of time was waiting for. */
    enum reason (*describe)(const struct uplink *u, char *text, size_t size);
    uint64_t n_turns;          /* that have given the drivers everything */
    bool busy;                 /* pump runs */
    bool holds;                /* the driver calls pump_held before it sleeps: frames of HTTP/2 may wait for it */
    struct link *held;         /* have frames that wait */
};

/* It is to be driven in this turn. Links without a queue (tests of parts) are not. */
void run_touch(struct link *l);
/* Something is left for the next turn: the loop must not sleep. */
bool run_waits(const struct run_queue *r);
/* Its bytes to send wait for pump_held. */
void run_hold(struct link *l);
/* All of them are to be driven. */
void run_touch_held(struct run_queue *r);
/* It is about to be freed. */
void run_forget(struct link *l);
/* The next one to be driven, now among those of the turn; NULL: none. */
struct link *run_next(struct run_queue *r);
/* Takes one out of the turn; NULL: no further one. */
struct link *run_end_turn(struct run_queue *r);

#endif
