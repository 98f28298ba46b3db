/* SPDX-License-Identifier: Apache-2.0 */
/* The demo's app: just enough HTTP/1.1 to send a request and read an answer that says its length. */
#ifndef MTLSD_CLI_DEMO_HTTP_H
#define MTLSD_CLI_DEMO_HTTP_H

#include "demo_body.h"
#include "mtlsd/base/bytes.h"
#include "mtlsd/io/probe.h"

enum { DEMO_HTTP_HEAD_MAX = 32 * 1024, DEMO_HTTP_BODY_MAX = 64 * 1024, DEMO_STALL_MS = 10000 /* without a byte */ };

struct demo_answer {
    unsigned status; /* 0: there was no answer, and the probe knows why */
    uint64_t length; /* of the body */
    char body[DEMO_HTTP_BODY_MAX + 1]; /* a short body; empty when it was to be compared */
    bool equal;      /* the body that was to be compared is the known one */
};

struct demo_request {
    const char *method, *path;
    const char *fields;           /* whole lines, "" for none */
    const struct demo_body *body; /* the known body, sent or expected; NULL: neither */
    uint64_t upload;              /* how much of it is sent */
};

/* On a connection that is open. Each piece of a body renews the time. False when the answer did not come whole. */
MUST_CHECK bool demo_http_ask(struct probe *p, const struct demo_request *request, struct demo_answer *answer);

#endif
