/* SPDX-License-Identifier: Apache-2.0 */
/* Orders of the main loop to a worker: one at a time, with the listening sockets for it. */
#ifndef MTLSD_IO_ORDER_H
#define MTLSD_IO_ORDER_H

#include "socket_file.h"

struct inherited;
struct lend;

struct new_socket {
    int fd; /* owned until a worker took it */
    bool tcp;
    const char *address, *listener; /* of the order's snapshot */
};

enum order_kind { ORDER_ADOPT, ORDER_REJUDGE, ORDER_ROWS_ADDED, ORDER_ROWS_WITHDRAWN, ORDER_LEND, ORDER_WANE, ORDER_DRAIN, ORDER_CUT, ORDER_STOP };

struct order {
    struct order *next;
    enum order_kind kind;
    struct snapshot *snapshot; /* counted; ORDER_ADOPT */
    struct new_socket *sockets; /* owned */
    size_t n_sockets;
    struct socket_file *files; /* owned: made for these sockets */
    struct lend *lend; /* borrowed; ORDER_LEND: not answered yet */
};

/* NULL: out of memory. Takes a reference of snapshot, which may be NULL. */
struct order *order_new(enum order_kind kind, struct snapshot *snapshot);
void order_free(struct order *o); /* closes the sockets and removes the files that were not taken */

struct order_change {
    const struct snapshot *next, *old; /* old may be NULL */
    const struct inherited *inherited; /* may be NULL */
    const struct inherited *handed;    /* of listeners, by address: from the process that this one takes the place of; NULL: none */
};

/* Opens every address that next names and old does not, or takes it from handed: at least one descriptor for each of the n orders. -1 + err: some may be open, they go with their orders.
 * Files of unix sockets are noted in the first. */
MUST_CHECK int order_open_sockets(struct order **orders, unsigned n, const struct order_change *change, struct err *err);

#endif
