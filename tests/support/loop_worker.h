/* SPDX-License-Identifier: Apache-2.0 */
/* A real worker on a loop of its own, without the process around it: for tests of the files in io/ that need one. Loopback only. */
#ifndef MTLSD_TEST_LOOP_WORKER_H
#define MTLSD_TEST_LOOP_WORKER_H

#include "worker.h"

#include "mtlsd/control/refusals.h"

struct loop_worker {
    uv_loop_t loop;
    struct worker worker;
    struct capacity capacity; /* set its limits after loop_worker_start */
    struct snapshot *snapshot;
    struct refusals *refusals;
};

enum { LOOP_WORKER_MOST = 100 }; /* connections, unless a test changes it */

/* With this configuration, which names no files. Fails the test if it cannot be loaded. */
void loop_worker_start(struct loop_worker *w, const char *config_text);
/* Stops the worker and checks that nothing is left of it. */
void loop_worker_end(struct loop_worker *w);
/* Lets the loop run until is_done says true, or for ms. Gives what is_done says then; NULL: false. */
bool loop_worker_run(struct loop_worker *w, unsigned ms, bool (*is_done)(void *ctx), void *ctx);

#endif
