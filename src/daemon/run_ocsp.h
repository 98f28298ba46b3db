/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to OCSP responders while the daemon runs: their answers reach the workers, and failures the log. */
#ifndef MTLSD_DAEMON_RUN_OCSP_H
#define MTLSD_DAEMON_RUN_OCSP_H

#include "mtlsd/io/ocsp_client.h"
#include "mtlsd/io/server.h"

#include <stdatomic.h>

struct run_ocsp {
    struct tls_ocsp_store *store;  /* from run_ocsp_begin on */
    struct ocsp_client *client;    /* NULL: no trust ever asked one */
    struct server *server;         /* borrowed */
    int64_t told;                  /* when a failure was last logged; of the client's thread */
    uint64_t untold;               /* failures since */
    struct tls_ocsp_facts facts;   /* what was last shown */
};

/* Before the first snapshot is made. -1: out of memory. */
MUST_CHECK int run_ocsp_begin(struct run_ocsp *o);
/* Also after a reload: asks, if a trust that is served does. */
void run_ocsp_follow(struct run_ocsp *o, struct server *server);
const struct tls_ocsp_facts *run_ocsp_view(struct run_ocsp *o); /* until the next call; NULL: no trust ever asked a responder */
void run_ocsp_stop(struct run_ocsp *o); /* before the server is freed */
void run_ocsp_end(struct run_ocsp *o);

#endif
