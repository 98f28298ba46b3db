/* SPDX-License-Identifier: Apache-2.0 */
/* The socket under an uplink, and how it comes to be: names are resolved, every address is tried in order. */
#ifndef MTLSD_IO_UPCONN_H
#define MTLSD_IO_UPCONN_H

#include "conn.h"

struct upconn {
    struct stream stream;
    struct worker *worker;
    struct snapshot *snapshot; /* counted: keeps the uplink's plan alive */
    struct uplink *uplink;     /* owned once connected */
};

struct connector;

/* Calls exchange_on_connected or exchange_on_connect_failed of c, then conn_drive; possibly before it returns. */
void connector_start(struct conn *c, const struct dial *dial);
void connector_cancel(struct connector *k); /* c is not called any more */

/* Closes the socket of a doomed uplink and frees both. */
void upconn_close(struct uplink *u);

#endif
