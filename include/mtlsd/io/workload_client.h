/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of the SPIFFE Workload API, on a thread of its own: it keeps a stream open to the agent's socket, and the last good answer with its keys. It
 * runs in the process that holds keys. A stream that ends is opened again, later each time it fails. A burst of updates is read, and at most ten a second
 * are looked at.
 */
#ifndef MTLSD_IO_WORKLOAD_CLIENT_H
#define MTLSD_IO_WORKLOAD_CLIENT_H

#include "mtlsd/control/snapshot.h"
#include "mtlsd/control/workload_stream.h"

struct uv_loop_s;
struct workload_client;

enum { WORKLOAD_FIRST_MS = 10000 }; /* the most that a reader waits for the first answer, from the start of the client on */

struct workload_order { /* copied */
    const char *socket; /* its path */
    enum workload_method method;
    /* On the thread of the client: the set or the state is another one. NULL: not told. */
    void (*on_change)(void *ctx);
    void *ctx;
};

/* NULL + err. Before a filter of system calls: libcurl is made ready here. */
struct workload_client *workload_client_start(const struct workload_order *order, struct err *err);
/* Ends the thread within a moment, and wipes keys. NULL is fine. */
void workload_client_stop(struct workload_client *c);

/* From any thread. As workload_set_text, after the first answer came. -1 + err: also when there is none in time. */
MUST_CHECK int workload_client_text(struct workload_client *c, const char *source, struct bytes *out, struct err *err);
/* Packed, without keys. wait: for the first answer. -1: out of memory. */
MUST_CHECK int workload_client_view(struct workload_client *c, bool wait, struct bytes *packed);

/* Calls on_change on the loop whenever order->on_change would be called. -1 + err. */
MUST_CHECK int workload_client_watch(struct workload_client *c, struct uv_loop_s *loop, void (*on_change)(void *ctx), void *ctx, struct err *err);
void workload_client_unwatch(struct workload_client *c); /* NULL is fine */

/* A source of files that has those of SPIFFE from text, and all others from under. With text NULL such a one is refused. It borrows files. */
struct workload_files {
    struct file_source under;
    MUST_CHECK int (*text)(void *ctx, const char *source, struct bytes *out, struct err *err); /* as workload_set_text */
    void *ctx;
};
struct file_source workload_files_source(struct workload_files *files);
/* For text: the client is ctx. */
MUST_CHECK int workload_files_of_client(void *client, const char *source, struct bytes *out, struct err *err);

#endif
