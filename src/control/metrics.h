/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metrics for Prometheus, in its text format 0.0.4. (OpenMetrics would not allow mtlsd_connections beside mtlsd_connections_total.)
 * Values of labels are names of the configuration, words of the reason table and addresses of targets: nothing that a peer sends makes a series.
 * A listener, upstream, identity or trust that a reload took away has no series any more.
 */
#ifndef MTLSD_CONTROL_METRICS_H
#define MTLSD_CONTROL_METRICS_H

#include "mtlsd/control/admin.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* -1: out of memory. */
MUST_CHECK int metrics_write(struct bytes *out, const struct admin_view *view);

#endif
