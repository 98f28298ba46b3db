/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to a client that is refused before any of its bytes is read: cheap, and without a handshake (security C13, C14). */
#ifndef MTLSD_PROXY_EARLY_ANSWER_H
#define MTLSD_PROXY_EARLY_ANSWER_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/reasons.h"
#include "mtlsd/proxy/plan.h"

struct early_answer { /* the last HTTP answer, given again within its second; begins as {0} */
    struct bytes text;
    const char *contact; /* of the listener; borrowed, and only compared */
    enum reason reason;
    int64_t utc;
};

/* On a TLS listener an alert, on an http listener an HTTP answer, in tcp mode nothing: that connection is reset. Valid until the next call. */
struct span early_answer(struct early_answer *a, const struct plan_listener *l, enum reason reason, int64_t utc);
void early_answer_clear(struct early_answer *a);

#endif
