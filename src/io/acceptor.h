/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepts connections on a listening socket. libuv's own listening repeats a failed accept at once and for ever, inside one callback: the whole loop
 * would stand still while the error lasts. Here a failed accept makes a pause that grows, and one log line names the error and what to do. The waiting
 * connections are taken when the error is over. If descriptors ran out, the owner may free one for the next client. It serves that client, or refuses
 * it if the shortage lasts.
 */
#ifndef MTLSD_IO_ACCEPTOR_H
#define MTLSD_IO_ACCEPTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

enum { ACCEPTOR_AT_ONCE = 32 }; /* clients in one turn of the loop; the others follow in the next */

enum acceptor_help { ACCEPTOR_NO_HELP, ACCEPTOR_SERVE_ONE, ACCEPTOR_REFUSE_ONE };

struct acceptor_events {
    /* fd: nonblocking, close-on-exec, now the owner's; from: its peer. It may hold or close the acceptor. */
    void (*on_client)(void *owner, int fd, const struct sockaddr_storage *from);
    /* No descriptor is left for a client: EMFILE or ENFILE; lasts: clients have waited for a while. The owner may free one: says what for. */
    enum acceptor_help (*on_shortage)(void *owner, int error, bool lasts);
    void (*on_surplus)(void *owner, int fd); /* a client to refuse: fd as above; NULL where the owner refuses none */
    void (*on_closed)(void *owner); /* the last call: the memory may go */
};

struct acceptor {
    uv_poll_t poll;
    uv_timer_t pause;
    const struct acceptor_events *events;
    void *owner;
    const char *place; /* borrowed: what the log calls it */
    int fd;            /* owned */
    unsigned handles;  /* still open */
    unsigned pause_ms; /* of the last failure; 0: the last accept did not fail */
    uint64_t failing_since_us; /* 0: all that came were accepted */
    uint64_t told_us; /* when a line about a failure was last written; 0: never */
    int error;        /* that it told of */
    bool told;        /* it is not over yet, as far as the log knows */
    bool held, closing;
};

/* Takes fd, which is bound and listens, also when it fails: 0, or an error of libuv. */
int acceptor_start(struct acceptor *a, uv_loop_t *loop, int fd, const char *place, const struct acceptor_events *events, void *owner);
/* Takes none until it is let go on. Connections wait in the socket meanwhile, at no cost. */
void acceptor_hold(struct acceptor *a);
void acceptor_go_on(struct acceptor *a);
/* Once. Also after a start that failed. */
void acceptor_close(struct acceptor *a);

#endif
