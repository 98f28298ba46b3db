/* SPDX-License-Identifier: Apache-2.0 */
/* One HEAD request on a probe, in the version of HTTP that the handshake agreed on. */
#ifndef MTLSD_IO_PROBE_ASK_H
#define MTLSD_IO_PROBE_ASK_H

#include "mtlsd/io/probe.h"
#include "mtlsd/proxy/plan.h"

struct probe_answer {
    unsigned status;    /* 0: there was no answer */
    enum reason reason; /* REASON_VALID: nothing in the answer speaks against the server; the probe may have failed */
    char text[200];     /* why not, or what is worth knowing; "" */
};

struct probe_answer probe_ask(struct probe *p, const struct plan_target *target);

#endif
