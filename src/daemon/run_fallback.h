/* SPDX-License-Identifier: Apache-2.0 */
/* Back to the certificate before, when an upstream refuses a renewed one after it is in use (control/fallback.h). It is a reload like others. */
#ifndef MTLSD_DAEMON_RUN_FALLBACK_H
#define MTLSD_DAEMON_RUN_FALLBACK_H

#include "run_state.h"

/* The server's hook: an upstream refuses a certificate in use. */
void run_fallback_on_refused(void *ctx, const struct fallback_refusal *refusal);
/* A load begins: which certificates it does not take from the files. */
void run_fallback_begin(struct run_reload *reload);
/* On the thread of the load, before renewed certificates are compared: the certificate before is tried on the upstream. */
void run_fallback_try(struct run_reload *reload, struct findings *findings);
/* The load has ended. in_use: the new snapshot; NULL: it was refused. */
void run_fallback_end(struct run *r, const struct snapshot *in_use);
/* Now and then: a certificate that is used again may have expired. */
void run_fallback_look(struct run *r);

#endif
