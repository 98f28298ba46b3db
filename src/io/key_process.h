/* SPDX-License-Identifier: Apache-2.0 */
/* The child that holds every private key: it answers requests until its sockets close or its parent ends. */
#ifndef MTLSD_IO_KEY_PROCESS_H
#define MTLSD_IO_KEY_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct privilege;
struct sandbox_plan;
struct workload_order;

/* Exit codes: it could not protect itself; it lacks memory for a request; a request was sent that mtlsd never sends. */
enum { KEY_PROCESS_UNPROTECTED = 1, KEY_PROCESS_LACKS_MEMORY, KEY_PROCESS_DISTRUSTS };

struct key_process_order {
    const int *channels; /* its ends of socketpairs; a thread for each */
    unsigned n;
    int life;            /* its end of a socketpair that tells its sandbox_facts when it is ready and when it has become the user, and later that it lives */
    pid_t parent;
    const struct privilege *user; /* NULL: none to become */
    const struct sandbox_plan *sandbox; /* NULL: none */
    const struct workload_order *workload; /* the SPIFFE Workload API to ask; NULL: none */
    int notices;         /* with workload: its end of a socketpair, which gets a byte when the agent gave something else */
};

_Noreturn void key_process_run(const struct key_process_order *order);

#endif
