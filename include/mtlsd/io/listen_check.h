/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether run could open its sockets, tested without keeping any: `check` may run while a daemon holds these addresses.
 * A tcp address is bound and never listened on, so that no connection arrives; for a unix socket only its folder and
 * name are checked.
 */
#ifndef MTLSD_IO_LISTEN_CHECK_H
#define MTLSD_IO_LISTEN_CHECK_H

#include "mtlsd/base/address.h"

enum listen_check {
    LISTEN_CHECK_FINE,     /* also when a process of this user shares the address, as our own daemon does */
    LISTEN_CHECK_IN_USE,   /* by an unknown process: perhaps by our own daemon */
    LISTEN_CHECK_NO_RIGHT, /* this user may not; another may */
    LISTEN_CHECK_FAILS,    /* no process could listen there */
};

/* err says why when it is not fine. Looks up a name, which may take as long as the resolver does. */
MUST_CHECK enum listen_check listen_check_address(const struct address *address, const char *text, struct err *err);
/* The same for the admin socket: a live one is in use, and nothing is sent to it. */
MUST_CHECK enum listen_check listen_check_admin(const char *path, struct err *err);

#endif
