/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to a client that is refused before any of its bytes is read: cheap, and without a handshake (security C13, C14). */
#ifndef MTLSD_PROXY_EARLY_ANSWER_H
#define MTLSD_PROXY_EARLY_ANSWER_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/reasons.h"
#include "mtlsd/proxy/plan.h"

enum { EARLY_ANSWER_MAX = 4096 };

/* On a TLS listener an alert, on an http listener an HTTP answer, in tcp mode nothing: that connection is reset. out: cleared first; what is given may lie
 * in it. */
struct span early_answer(struct bytes *out, const struct plan_listener *l, enum reason reason, int64_t utc);

#endif
