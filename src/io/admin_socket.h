/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a unix socket. It is made with mode 0600 under a temporary name and then renamed. So other users can never connect, and a stale file is
 * replaced in one step. */
#ifndef MTLSD_IO_ADMIN_SOCKET_H
#define MTLSD_IO_ADMIN_SOCKET_H

#include "mtlsd/base/err.h"
#include "mtlsd/io/listen_check.h"

#include <sys/types.h>

struct admin_socket {
    char path[108];
    dev_t device; /* which file is ours: a successor may have put its own in place */
    ino_t inode;
};

/* Whether one could be made there, as far as the name itself goes. Not fine: err says why. */
MUST_CHECK enum listen_check admin_socket_check(const char *path, struct err *err);
/* A bound socket (not listening yet), or -1 + err. */
int admin_socket_bind(struct admin_socket *s, const char *path, struct err *err);
/* Moves the file into place once the socket listens. */
MUST_CHECK int admin_socket_publish(struct admin_socket *s, struct err *err);
/* The file at path is of a socket that was handed over to us. */
void admin_socket_own(struct admin_socket *s, const char *path);
/* Removes the file, published or not, if it is still ours. */
void admin_socket_remove(const struct admin_socket *s);

#endif
