/* SPDX-License-Identifier: Apache-2.0 */
/* The other end of mtlsd/io/notify.h: hears from a daemon that we started when it is ready. */
#ifndef MTLSD_IO_NOTIFY_LISTENER_H
#define MTLSD_IO_NOTIFY_LISTENER_H

#include "mtlsd/base/err.h"
#include <stdbool.h>

struct notify_listener;

enum { NOTIFY_NAME_SIZE = 32 };
/* name gets the value for NOTIFY_SOCKET, an abstract name that the kernel chose. NULL + err. */
struct notify_listener *notify_listener_new(char name[NOTIFY_NAME_SIZE], struct err *err);
/* Waits at most so long for a datagram with this line, as "READY=1". */
bool notify_listener_hears(struct notify_listener *l, const char *line, unsigned within_ms);
void notify_listener_free(struct notify_listener *l); /* NULL is fine */

#endif
