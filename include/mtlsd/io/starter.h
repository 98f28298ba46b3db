/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small process beside the daemon that can start the program again. The daemon itself cannot: its sandbox lets it start nothing, and what it started
 * would be in the same sandbox for good. It is made before any key is read, becomes the same user, starts nothing but this program with its own
 * arguments, and ends with the daemon.
 */
#ifndef MTLSD_IO_STARTER_H
#define MTLSD_IO_STARTER_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct starter;
struct own_program;

/* Before there is a second thread. The program must outlive it. user and group, to become if this process is root, may be NULL. NULL + err. */
struct starter *starter_new(const struct own_program *program, const char *user, const char *group, struct err *err);
void starter_free(struct starter *s); /* NULL is fine */
long starter_pid(const struct starter *s);

/* The new process has the list as descriptor 3, the channel as 4, and the sockets from 5 on; MTLSD_HANDOVER=3,4 says so. -1 + err: the starter is gone. */
MUST_CHECK int starter_start(struct starter *s, struct span list, int channel, const int *sockets, size_t n, struct err *err);
/* Sends it a signal, if it still runs. */
void starter_kill(struct starter *s, int number);

/* To be polled for news about it. */
int starter_fd(const struct starter *s);
enum starter_event { STARTER_NOTHING, STARTER_STARTED /* process id */, STARTER_FAILED /* errno */, STARTER_EXITED /* code */, STARTER_KILLED /* signal */,
                     STARTER_GONE };
enum starter_event starter_hear(struct starter *s, int *value);

#endif
