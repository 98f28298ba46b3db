/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listening sockets that a service manager passes at start (LISTEN_FDS, LISTEN_FDNAMES, LISTEN_PID; sd_listen_fds(3)), found by name. They stay open
 * until the end of the process: a reload may stop to use a name and use it again later, and clients that connect during a drain wait for the successor.
 */
#ifndef MTLSD_IO_INHERITED_H
#define MTLSD_IO_INHERITED_H

#include "mtlsd/base/err.h"
#include <stdbool.h>
#include <stddef.h>

struct inherited;

struct inherited_env { /* values of the environment, NULL where it has none */
    const char *fds, *names, *pid;
};

/* Takes the descriptors from first on, which are 3 and up. NULL: none were passed to this process (us), or it is out of memory; err says so then. */
struct inherited *inherited_new(const struct inherited_env *env, int first, long us, struct err *err);
/* The same for descriptors that are known to be there, each with its name. NULL: out of memory; the descriptors stay open. */
struct inherited *inherited_of(const char *const *names, size_t n, int first);
/* Closes them. */
void inherited_free(struct inherited *s);

/* The i-th descriptor of a name, borrowed; -1 past the last. s may be NULL. */
int inherited_fd(const struct inherited *s, const char *name, size_t i);
/* The i-th name; NULL past the last. Several sockets may have one name. */
const char *inherited_name(const struct inherited *s, size_t i);
/* The i-th descriptor, borrowed. */
int inherited_at(const struct inherited *s, size_t i);
/* -1 + err, always: no socket has this name, and what to do. */
int inherited_explain(const struct inherited *s, const char *name, struct err *err);

/* Reads the kind of a listening socket. -1 + err: it is no stream socket that listens. name is for the text. */
struct inherited_kind {
    bool tcp;
    bool loopback;       /* other hosts cannot reach it; true of a unix socket */
    bool open_to_others; /* a unix socket that every user may connect to */
};
MUST_CHECK int inherited_look(int fd, const char *name, struct inherited_kind *out, struct err *err);

#endif
