/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of grpc.health.v1.Health/Check: the request's message, and what the answer means. A target is
 * healthy only if the call ended with status OK and its one message says SERVING; every other answer is a
 * failure with a sentence about it.
 */
#ifndef MTLSD_HTTP_GRPC_HEALTH_H
#define MTLSD_HTTP_GRPC_HEALTH_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"
#include "mtlsd/http/http_head.h"

#define GRPC_HEALTH_PATH "/grpc.health.v1.Health/Check"

/* Appends HealthCheckRequest with its length before it. An empty service asks for the server as a whole. */
MUST_CHECK int grpc_health_write_request(struct bytes *out, struct span service);

enum {
    GRPC_HEALTH_MAX_BYTES =
        256 /* of an answer; HealthCheckResponse is two, more is for fields that it may get one day */
};

struct grpc_health { /* an answer, while it arrives */
    uint8_t data[GRPC_HEALTH_MAX_BYTES];
    size_t n;
    unsigned http_status; /* 0: no head came yet */
    int status;           /* grpc-status; -1: none, or none that is valid */
    bool is_grpc, too_long;
};

void grpc_health_init(struct grpc_health *h);
void grpc_health_on_head(struct grpc_health *h, const struct http_head *head); /* the final one */
void grpc_health_on_data(struct grpc_health *h, struct span data);
void grpc_health_on_trailers(struct grpc_health *h, const struct http_head *trailers);
/* At the end of the response, or as soon as it is too long. 0: the target serves; -1: err says why it counts as failed. */
MUST_CHECK int grpc_health_judge(const struct grpc_health *h, struct err *err);

#endif
