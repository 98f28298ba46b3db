/* SPDX-License-Identifier: Apache-2.0 */
/* The socket under an uplink. */
#ifndef MTLSD_IO_UPCONN_H
#define MTLSD_IO_UPCONN_H

#include "worker.h"

struct connector;

struct upconn {
    struct stream stream;
    struct worker *worker;
    struct snapshot *snapshot; /* counted: keeps the uplink's plan alive */
    struct uplink *uplink;     /* owned, once there is one */
    struct connector *connector; /* whose attempt it is; NULL: connected, or given up */
    uv_connect_t connect;
};

extern const struct run_driver upconn_driver;

/* Not connected yet; it counts among the worker's uplinks from here on until its stream was closed. Takes over the place that was
 * taken for it (listening_take_uplink), also when it gives NULL: out of memory. */
struct upconn *upconn_new(struct worker *w, struct snapshot *snapshot, bool tcp);
/* Closes its socket, and gives its place back. */
void upconn_shut(struct upconn *up, bool reset);
/* Begins to connect an uplink, for run.connect. */
void upconn_connect(struct uplink *u);
/* For run.describe. */
enum reason upconn_describe(const struct uplink *u, char *text, size_t size);
/* Closes the socket of a retired uplink and frees both. */
void upconn_close(struct uplink *u);

#endif
