/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening sockets of a worker, and which clients are accepted (security C13). When the connection limit is reached:
 *
 *   an idle upstream connection, where descriptors are short    is closed
 *   an idle client of this worker                               is closed, the oldest first
 *   idle clients of other workers                               are asked for once, and the new client waits for a moment
 *   none is idle                                                the new client is refused: HTTP 503, a TLS alert, or a reset
 *
 * The same holds if accept finds no descriptor although there are places: the limit was lowered, or the system's is reached. Then clients that wait
 * for longer than half a second are refused with a spare descriptor.
 */
#ifndef MTLSD_IO_LISTENING_H
#define MTLSD_IO_LISTENING_H

#include "acceptor.h"

#include "mtlsd/base/err.h"

struct worker;

struct listen_socket {
    struct worker *worker;
    struct acceptor acceptor;
    struct sockaddr_storage local;
    bool local_known; /* all its connections have local for their own address: it need not be asked for each */
    bool is_tcp;
    int waiting;                  /* descriptor of a client that waits until there is room for it; -1: none */
    struct sockaddr_storage from; /* its address */
    char *address;  /* as configured: what a reload finds it by */
    char *listener; /* name of the listener it belongs to now */
    struct listen_socket *next;
};

void listening_init(struct worker *w);
/* The end of the worker. */
void listening_close(struct worker *w);
/* A place may be free now. */
void listening_accept_waiting(struct worker *w);
/* Another worker may want idle clients to go. */
void listening_on_ask(struct worker *w);
/* A place for an upstream connection. False: there is none, even though what is idle has given way. */
bool listening_take_uplink(struct worker *w);
/* No descriptor is left, though there was a place. False: nothing is idle. */
bool listening_make_room(struct worker *w);
/* For a socket that was taken out of the worker's list. */
void listening_close_socket(struct listen_socket *s);

#endif
