/* SPDX-License-Identifier: Apache-2.0 */
/* The process that started this one to take its place (successor.h), and the sockets that it passed. */
#ifndef MTLSD_IO_PREDECESSOR_H
#define MTLSD_IO_PREDECESSOR_H

#include "mtlsd/base/err.h"
#include "mtlsd/control/handover_list.h"
#include "mtlsd/io/inherited.h"

struct predecessor;

/* Takes MTLSD_HANDOVER from the environment. 0: *out has it, or is NULL when there is none. -1 + err. */
MUST_CHECK int predecessor_take(struct predecessor **out, struct err *err);
/* Closes the sockets that are still here, and the channel. */
void predecessor_free(struct predecessor *p);

/* Taken out of p, once. NULL: there are none. */
struct inherited *predecessor_passed(struct predecessor *p);
/* Sockets of listeners, by the address as configured; borrowed. NULL: there are none. */
const struct inherited *predecessor_listeners(const struct predecessor *p);
/* A descriptor of the socket of that kind and name, now the caller's; -1: there is none. */
int predecessor_fd(const struct predecessor *p, enum handover_kind kind, const char *name);

/* Everything is open: waits until we are to serve. -1 + err: it serves on. */
MUST_CHECK int predecessor_wait(struct predecessor *p, const char *version, struct err *err);
/* After that: the lines that it said, borrowed. */
struct span predecessor_memory(const struct predecessor *p);
/* We serve: removes the files of sockets that we do not use. The name is a listener's address, or the path of the admin socket. */
void predecessor_settle(const struct predecessor *p, bool (*is_used)(void *ctx, const char *name), void *ctx);
/* We cannot run: why, for its log. NULL is fine. */
void predecessor_fail(struct predecessor *p, const char *why);

#endif
