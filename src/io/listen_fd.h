/* SPDX-License-Identifier: Apache-2.0 */
/* Makes listening descriptors. Refuses an address that another process listens on, even one that would share it. */
#ifndef MTLSD_IO_LISTEN_FD_H
#define MTLSD_IO_LISTEN_FD_H

#include "mtlsd/base/address.h"

struct addrinfo;

/* A listening descriptor, non-blocking, close-on-exec; -1 + err (ERR_IO). first: none of our sockets listens there yet, so another one is foreign.
 * A unix socket gets mode 0660; a file left behind by a dead process is replaced. */
MUST_CHECK int listen_fd_open(const struct address *address, const char *text, bool first, struct err *err);

/* The steps of it, which listen_check.c takes without the last one, listen. */
MUST_CHECK int listen_fd_look_up(const struct address *address, const char *text, struct addrinfo **found, struct err *err);
MUST_CHECK int listen_fd_bind(const struct addrinfo *ai, bool share); /* a descriptor, or -1 + errno */
/* ":8443" on a machine without IPv6: it means IPv4 alone there. */
bool listen_fd_lacks_ipv6(const struct address *address, int error);
/* Always -1 + err: the error and what to do about it. */
int listen_fd_explain(const char *text, int error, struct err *err);

#endif
