/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of each socket to read in a turn of the loop, so that bulk traffic does not delay small requests. It counts
 * bytes and keeps the order; it knows no socket.
 *
 * A socket may always read a little in each turn. More is taken from the share of the turn for all. If nothing is left,
 * the socket waits in a queue: its owner stops reading until turn_begin names it again. Sockets that have read little
 * since they were last empty wait in front, so that a response of medium size does not wait for downloads.
 */
#ifndef MTLSD_PROXY_TURN_H
#define MTLSD_PROXY_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TURN_BYTES = 2 * 1024 * 1024, /* of all sockets together in one turn: some 2 ms of a core */
    TURN_PIECE = TURN_BYTES,      /* of one socket in one turn, while others wait: smaller ones cost more per byte */
    TURN_LITTLE = 16 * 1024,      /* the share of a socket in every turn: a request, one TLS record */
    TURN_FRESH = 256 * 1024,      /* a socket that read no more since it was empty waits before the others, and gets no more */
};

/* The place of one socket. The zero value is right for a new one; its owner embeds it. */
struct turn_seat {
    struct turn_seat *prev, *next;
    uint64_t number;  /* of the turn that taken and granted belong to */
    size_t taken;     /* bytes in that turn */
    size_t granted;   /* bytes that were set aside for it in that turn */
    size_t burst;     /* bytes since it was empty */
    bool waiting;
    bool fresh;       /* the queue that it waits in */
};

struct turn_queue {
    struct turn_seat *first, *last;
};

struct turn {
    uint64_t number;
    size_t left; /* bytes for all sockets in this turn */
    unsigned places; /* counts those that were given while both queues had some */
    struct turn_queue fresh, bulk;
};

void turn_init(struct turn *t);
/* Begins the next turn. */
void turn_begin(struct turn *t);
/* The next of those that were waiting and may read on in this turn; NULL: no further one. Call it until then after turn_begin. */
struct turn_seat *turn_next(struct turn *t);
/* How many bytes this socket may read now, at most wanted. 0: its owner has to stop reading and call turn_wait. */
size_t turn_allows(struct turn *t, struct turn_seat *s, size_t wanted);
/* So many bytes were read, of as many as were asked for: fewer mean that the socket is empty. */
void turn_took(struct turn *t, struct turn_seat *s, size_t n, size_t asked);
void turn_wait(struct turn *t, struct turn_seat *s);
/* It waits no longer: its owner stopped reading for a reason of its own, or closes. */
void turn_leave(struct turn *t, struct turn_seat *s);
/* Some sockets wait: the loop must not sleep. */
bool turn_is_crowded(const struct turn *t);

#endif
