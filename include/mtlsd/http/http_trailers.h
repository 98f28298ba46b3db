/* SPDX-License-Identifier: Apache-2.0 */
/* Trailers come behind the body, when the head with all that was removed from it and set in it has left. Many servers merge them into the head, so that one of them
 * undoes what a route set or removed (security C11). They pass where they are wanted, and nowhere else (RFC 9110 section 6.5). */
#ifndef MTLSD_HTTP_HTTP_TRAILERS_H
#define MTLSD_HTTP_HTTP_TRAILERS_H

#include "mtlsd/http/http_head.h"

/* The sender of this request takes trailers in the response: "TE: trailers" (RFC 9110 section 10.1.4). */
bool http_trailers_are_wanted(const struct http_head *request);

/* Whether trailers of the message with this head may pass: its body is in chunks, its receiver wants them or it is gRPC (Content-Type: application/grpc...), which
 * ends in them, and Connection names no field, which a trailer could bring back. Which fields may be among them: http_guard_write_last_chunk. */
bool http_trailers_may_pass(const struct http_head *h, bool wanted);

#endif
