/* SPDX-License-Identifier: Apache-2.0 */
/* The process that holds private keys, for as long as the daemon runs: started before anything else, watched, and ended last. */
#ifndef MTLSD_DAEMON_RUN_KEYS_H
#define MTLSD_DAEMON_RUN_KEYS_H

#include "mtlsd/control/admin.h"
#include "mtlsd/control/sandbox_plan.h"
#include "mtlsd/io/key_client.h"
#include "mtlsd/io/server.h"

struct run_keys {
    struct key_client *client; /* NULL: keys are in this process */
    struct server *server;     /* borrowed; to be stopped when the key process has ended */
    bool ended;                /* it has, and the daemon fails */
    struct sandbox_facts sandbox; /* why the key process has none, if it must not have one; else it tells itself */
};

struct workload_order;

/* Before any thread and any socket. user: to become later; workload: the SPIFFE Workload API to ask. NULL: none. */
MUST_CHECK int run_keys_start(struct run_keys *k, const struct config *config, const struct privilege *user, const struct workload_order *workload, struct err *err);
/* For loading; NULL: identities are read in this process. */
const struct identity_source *run_keys_source(const struct run_keys *k);
/* Warns where the memory of a loaded snapshot's keys could not be locked. */
void run_keys_review(const struct run_keys *k, const struct snapshot *loaded, struct findings *out);
/* At a reload: warns when the file wants keys in another process than they are. */
void run_keys_compare(const struct run_keys *k, const struct config *next, struct findings *out);
/* The key process becomes the user, too. */
MUST_CHECK int run_keys_become(struct run_keys *k, const struct privilege *user, struct err *err);
/* Of the key process, once it has become the user. NULL: there is none. */
const struct sandbox_facts *run_keys_sandbox(const struct run_keys *k);
/* From now on its end stops the server. */
MUST_CHECK int run_keys_watch(struct run_keys *k, struct server *server, struct err *err);
void run_keys_unwatch(struct run_keys *k);
void run_keys_view(const struct run_keys *k, struct admin_keys *out);
void run_keys_end(struct run_keys *k); /* after the last snapshot */

#endif
