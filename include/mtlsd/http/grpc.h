/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of gRPC over HTTP/2: which messages are gRPC, what a call's status means, and refusals that its
 * clients understand. gRPC-Web is not gRPC here: its clients read the HTTP status, so application/grpc-web
 * and application/grpc-web-text get the same answers as any other request.
 */
#ifndef MTLSD_HTTP_GRPC_H
#define MTLSD_HTTP_GRPC_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/http/http_head.h"
#include "mtlsd/http/http_problem.h"

/* The media type of a gRPC message: application/grpc alone, or with a suffix as in application/grpc+proto,
 * with or without parameters. */
bool grpc_is_content_type(struct span value);
bool grpc_is_message(const struct http_head *h); /* by its Content-Type */

enum {
    GRPC_OK = 0,
    GRPC_UNKNOWN = 2,
    GRPC_NOT_FOUND = 5,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16
};
/* The status that a client concludes from an answer without grpc-status, by the HTTP status alone. */
unsigned grpc_status_of_http(unsigned http_status);
/* The value of grpc-status in trailers, or in the head of a response that has nothing else. -1: none, two of
 * them, or no status of gRPC. */
int grpc_status_read(const struct http_head *h);
const char *
grpc_status_name(unsigned status); /* "UNAVAILABLE"; "UNKNOWN" also for numbers that gRPC does not have */

/* A refusal: a response head that is also the end of its stream ("Trailers-Only"). Its status is 200, the
 * cause is in grpc-status and grpc-message. */
struct grpc_refusal {
    struct http_head head;
    struct http_field fields[3]; /* of head */
    char status[4];
    struct bytes message; /* owned */
};

/* The message has the problem's reason, its detail or else its title, and its hint. -1: out of memory. */
MUST_CHECK int grpc_refusal_init(struct grpc_refusal *r, const struct http_problem *p);
void grpc_refusal_clear(struct grpc_refusal *r);

#endif
