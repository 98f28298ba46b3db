/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out a plan of fetches (control/crl_fetch.h): starts what is due, a few at once, and hands over what has to be judged. On the main loop. */
#ifndef MTLSD_IO_FETCH_ROUND_H
#define MTLSD_IO_FETCH_ROUND_H

#include "mtlsd/control/crl_fetch.h"

struct uv_loop_s;
struct fetch_round;

struct fetch_round_hooks {
    void *ctx;
    /* A body came; may take it. fetch_round_judged must follow, not necessarily within the call. */
    void (*on_list)(void *ctx, const char *url, struct crl_fetch_answer *answer);
    /* A try went wrong. */
    void (*on_failure)(void *ctx, const struct crl_fetch_item *item);
};

struct fetch_round *fetch_round_new(struct uv_loop_s *loop, const struct fetch_round_hooks *hooks); /* NULL: out of memory */
MUST_CHECK int fetch_round_follow(struct fetch_round *r, const struct crl_fetch_wish *wishes, size_t n); /* -1: out of memory; all stays as it was */
void fetch_round_judged(struct fetch_round *r, const char *url, const struct crl_fetch_answer *answer, const struct crl_fetch_judgement *judgement);
const struct crl_fetch *fetch_round_plan(const struct fetch_round *r);
bool fetch_round_is_busy(const struct fetch_round *r); /* a thread is under way */
/* Stops all callbacks; memory is freed when the loop has run and the threads have ended. */
void fetch_round_stop(struct fetch_round *r);

#endif
