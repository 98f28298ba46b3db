/* SPDX-License-Identifier: Apache-2.0 */
/* The socket on which a service manager wants to hear of us (NOTIFY_SOCKET, sd_notify(3)): a path or, after "@", an abstract name. */
#ifndef MTLSD_IO_NOTIFY_H
#define MTLSD_IO_NOTIFY_H

#include "mtlsd/base/attr.h"
#include <stdbool.h>

struct notify;

/* name: the value of NOTIFY_SOCKET. NULL: it is NULL, or no such socket can be written to; *reason then says why, NULL when nothing is wrong. */
struct notify *notify_new(const char *name, const char **reason);
/* One datagram. false: the manager did not take it now; send the text again later. Never waits. n may be NULL: true. */
MUST_CHECK bool notify_send(struct notify *n, const char *text);
void notify_free(struct notify *n);

#endif
