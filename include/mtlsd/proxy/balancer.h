/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The targets of a snapshot as one worker sees them, and the choice for the next request. What workers share (turns, what runs, held, down,
 * drained, weights set by hand) is in target_state, so that all workers together balance as one. Pure: the moment is an argument.
 */
#ifndef MTLSD_PROXY_BALANCER_H
#define MTLSD_PROXY_BALANCER_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/span.h"
#include "mtlsd/proxy/target_state.h"
#include "mtlsd/proxy/plan.h"

struct balancer;

/* All borrowed, for the balancer's life. NULL: out of memory. */
struct balancer *balancer_new(const struct plan_upstream *upstreams, size_t n, struct target_state *target_state);
void balancer_free(struct balancer *f);

struct balancer_wish {
    const struct plan_target *sticky; /* preferred while it is neither held, down nor disabled, drained or not: draining ends no session; NULL: none */
    uint64_t key;                     /* for balance = "hash" and sticky = "client_cert" */
    bool by_key;                      /* choose by key, with any balance */
    uint64_t tried;                   /* bits of this upstream's targets (the first 64; others only get a first try) that failed this request already */
    uint64_t number;                  /* any random number */
};

/* The weight that an operator set, else the configured one. */
unsigned balancer_weight(const struct target_state *target_state, const struct plan_target *t);

/* NULL: none is usable (all tried, drained, disabled or down). If all remaining targets are held, the one whose hold ends first is given, so that it is
 * tried. A single target is given even if held or down: there is no other. */
const struct plan_target *balancer_choose(struct balancer *f, const struct plan_upstream *up, const struct balancer_wish *wish, uint64_t now_us);

void balancer_begin(struct balancer *f, const struct plan_target *t); /* a request or tcp connection runs on it */
void balancer_end(struct balancer *f, const struct plan_target *t);
/* It could not be reached: skip it for retry_after (in every worker). */
void balancer_failed(struct balancer *f, const struct plan_target *t, uint64_t now_us);
void balancer_worked(struct balancer *f, const struct plan_target *t);

/* The budget of requests sent again: each request earns a fifth, each retry costs one, a small reserve is there from the start (security C10). */
void balancer_earn(struct balancer *f, const struct plan_upstream *up);
bool balancer_spend(struct balancer *f, const struct plan_upstream *up); /* false: no more retries now */

#endif
