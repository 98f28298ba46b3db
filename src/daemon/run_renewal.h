/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renews certificates while the daemon runs, one after the other. A thread asks the CA for a certificate for a new key; then a load tries it on the
 * upstreams, as any renewed certificate, and only if all is well the key process writes both files. Whatever fails, the certificate in use stays.
 */
#ifndef MTLSD_DAEMON_RUN_RENEWAL_H
#define MTLSD_DAEMON_RUN_RENEWAL_H

#include "mtlsd/control/renewal.h"
#include "mtlsd/io/server.h"

struct run;
struct run_reload;
struct run_renewal_job;

struct run_renewal {
    struct renewal plan;
    struct ticker *tick; /* NULL: nothing is to be renewed */
    struct run_renewal_job *job; /* that is under way; NULL: none */
    struct run_renewal_job *waiting; /* for a CA that has not decided */
    bool asking;  /* the job's thread runs */
    bool offered; /* a load has it */
};

/* Plans for what the server serves now. */
void run_renewal_follow(struct run *r);
void run_renewal_stop(struct run *r);
bool run_renewal_is_busy(const struct run *r); /* a thread is under way */
void run_renewal_clear(struct run *r); /* while the key process lives */

/* On the main loop, when a load begins: what it should use. NULL: nothing. */
const struct renewal_use *run_renewal_offer(struct run *r);
/* On the thread of that load, which went well so far: writes the files. */
void run_renewal_write(struct run *r, struct run_reload *reload);
/* That load has ended; why NULL: its snapshot, in_use, is in use. */
void run_renewal_end(struct run *r, const struct snapshot *in_use, const char *why);

#endif
