/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks the kernel which user opened the other end of a connection.
 *
 *   unix socket   SO_PEERCRED and SO_PEERGROUPS: user and groups of the process, as they were when it connected
 *   loopback TCP  sock_diag: the owner of the client's socket, found by its addresses and ports. That is the user who made the socket, or whom root
 *                 gave it by fchown. A descriptor that was passed on to another process keeps it.
 *   other         unknown
 *
 * The kernel answers sock_diag within the system call that asks, so nothing waits. Only a socket of exactly this connection counts, which a process
 * still holds: of one that was closed, the kernel says that root owns it.
 */
#ifndef MTLSD_IO_CALLER_ASK_H
#define MTLSD_IO_CALLER_ASK_H

#include "mtlsd/policy/caller.h"

struct caller_asker { /* of one thread; all zero to begin with */
    int fd;           /* a netlink socket that stays open, and 1 more; 0: none yet */
    uint32_t sequence;
};

/* The program at the other end of this connected socket, as far as it is known; NULL: out of memory. Freed by free. */
struct caller *caller_ask(struct caller_asker *a, int fd, bool tcp);
void caller_asker_clear(struct caller_asker *a);

#endif
