/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new process of the program that gets our listening sockets, and serves only once it was told to:
 *
 *   has it started with the list of sockets and a channel  by starter.h
 *   it loads, opens what is new, and says "ready VERSION"  on_ready
 *   successor_go: lines, "go"                               it serves; from here on it is a process like any other
 *   anything else                                          it is ended; on_failed, once it is gone
 */
#ifndef MTLSD_IO_SUCCESSOR_H
#define MTLSD_IO_SUCCESSOR_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uv_loop_s;
struct successor;
struct starter;

struct successor_hooks {
    void *ctx;
    void (*on_ready)(void *ctx, long pid, const char *version);
    void (*on_failed)(void *ctx, const char *why); /* the last call */
};

struct successor_plan {
    struct starter *starter; /* both outlive it */
    const char *program;     /* its path, for messages */
    struct span list;   /* of handover_list.h */
    const int *sockets; /* borrowed for the call, in the order of the list */
    size_t n;
    uint64_t within_ms; /* until it is ready */
};

/* NULL + err: it could not be started. */
struct successor *successor_start(struct uv_loop_s *loop, const struct successor_plan *plan, const struct successor_hooks *hooks, struct err *err);
/* After on_ready. memory: lines for it (predecessor_memory), at most SUCCESSOR_MEMORY_MAX bytes. True: it serves, and s is let go. False: it is gone, and
 * on_failed follows. */
enum { SUCCESSOR_MEMORY_MAX = 64 * 1024 };
bool successor_go(struct successor *s, struct span memory);
/* Ends it. No call follows. Memory goes as the loop runs. NULL is fine. */
void successor_stop(struct successor *s);

#endif
