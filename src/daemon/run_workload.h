/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SVIDs and bundles of the SPIFFE Workload API in a running daemon: asks for loads when the agent gives others, stops what it takes back or what has
 * expired, and tells of the state of the stream. The client is in the process that holds keys.
 */
#ifndef MTLSD_DAEMON_RUN_WORKLOAD_H
#define MTLSD_DAEMON_RUN_WORKLOAD_H

#include "run_keys.h"

#include "mtlsd/control/workload_use.h"
#include "mtlsd/io/server.h"
#include "mtlsd/io/workload_client.h"

struct ticker;

struct run_workload {
    bool wanted;                 /* by the configuration of the start; without, nothing below counts */
    char path[WORKLOAD_PATH_MAX];
    enum workload_method method;
    struct workload_client *own; /* NULL: the key process has it */
    struct key_client *keys;     /* borrowed; NULL: there is no such process */
    struct workload_files files;
    struct server *server;       /* borrowed */
    void (*load)(void *ctx, bool config);
    void *load_ctx;
    struct workload_view view;   /* what was last looked at; of the main loop alone */
    uint64_t loaded, loading;    /* generations */
    bool asked;                  /* for a load that is not over */
    int64_t asked_at, not_before; /* the last time; no other load until then */
    struct ticker *tick;
};

/* Whether the configuration wants it, and where it is. -1 + err. */
MUST_CHECK int run_workload_prepare(struct run_workload *w, const struct config *config, struct err *err);
/* The order for the key process; NULL: none. */
const struct workload_order *run_workload_order(const struct run_workload *w, struct workload_order *room);
/* After the key process, and after this process has restricted its files. Sources of SPIFFE are read through files from then on. -1 + err. */
MUST_CHECK int run_workload_start(struct run_workload *w, struct run_keys *keys, struct file_source *files, struct err *err);
/* The server runs the first snapshot. */
MUST_CHECK int run_workload_watch(struct run_workload *w, struct server *server, struct err *err);
void run_workload_begin(struct run_workload *w);           /* a load begins */
void run_workload_end_load(struct run_workload *w, bool good); /* and is over */
void run_workload_unwatch(struct run_workload *w);
void run_workload_stop(struct run_workload *w); /* after the last load */
/* As it is now. NULL: it is not configured. Valid until the loop runs again. */
const struct workload_view *run_workload_view(struct run_workload *w);

#endif
