/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look at one target, over a connection of its own with the same identity and verification as the traffic's: it can be reached, shakes
 * hands, accepts our certificate, and answers health.path as health.expect says, or health.grpc with SERVING, where one is given. Bytes in, a
 * verdict out; a driver connects and moves the bytes. Whether a target is up follows from several looks: control/health_rules.h.
 */
#ifndef MTLSD_PROXY_HEALTH_CHECK_H
#define MTLSD_PROXY_HEALTH_CHECK_H

#include "mtlsd/proxy/proxy_env.h"

struct health_check;

struct health_check_result {
    bool good;
    enum reason reason; /* of a bad one; REASON_UNDECIDED: it answered, but not what is expected */
    const char *text;   /* a sentence; borrowed from the health check */
    const char *hint;   /* static: what to do; NULL: what the reason's row says */
};

struct health_check_owner { /* both may be NULL */
    void (*on_done)(void *ctx);           /* within a call of the uplink's: the health check may not be freed yet */
    void (*on_deadline_moved)(void *ctx);
    void *ctx;
};

/* It connects by an uplink of this worker, as any exchange does; pump follows. The whole look may take as long as health.interval, but not longer than
 * connecting and shaking hands together may. NULL: out of memory. */
struct health_check *health_check_new(struct proxy_env *env, const struct plan_target *target, const struct health_check_owner *owner, struct moment now);
/* Ends it, in any state. */
void health_check_free(struct health_check *c);
uint64_t health_check_deadline_us(const struct health_check *c);
void health_check_on_deadline(struct health_check *c);
bool health_check_is_done(const struct health_check *c, struct health_check_result *result);

#endif
