/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads HTTP/1.1: bytes in, events out, with any cut of the input (RFC 9112). It is strict: bare CR or LF, obs-fold, two
 * lengths, a length beside chunked, chunk extensions and the like are HTTP1_BAD. After that the connection cannot be
 * read further.
 *
 * A head is kept until it is complete (at most max_head_bytes); body bytes are never collected.
 */
#ifndef MTLSD_HTTP_HTTP1_H
#define MTLSD_HTTP_HTTP1_H

#include "mtlsd/base/reasons.h"
#include "mtlsd/http/http1_repeat.h"

enum http1_event {
    HTTP1_MORE,     /* all input eaten, nothing to tell yet */
    HTTP1_HEAD,     /* http1_head() is valid until the next call of http1_next, as long as the input given to this call is */
    HTTP1_DATA,     /* *data: body bytes, borrowed from the input */
    HTTP1_TRAILERS, /* http1_head()->fields are the trailer fields */
    HTTP1_UPGRADED, /* after the head of a 101, and from then on: nothing of *in is eaten, it is not HTTP */
    HTTP1_END,      /* the message is whole; the next byte begins another one */
    HTTP1_BAD,
};

struct http1;

/* request: read requests, else responses. */
struct http1 *http1_new(bool request, size_t max_head_bytes, size_t max_fields);
void http1_free(struct http1 *p);
/* Responses: a head that any reader with this repeat read before is not parsed again. Theirs are valid only until one of them is given the next input. */
void http1_share(struct http1 *p, struct http1_repeat *repeat);

/* Consumes from the front of *in and gives the next event. Call again until HTTP1_MORE or HTTP1_UPGRADED. A CONNECT request is a head and its end,
 * without a body; the bytes after it belong to the tunnel. */
enum http1_event http1_next(struct http1 *p, struct span *in, struct span *data);
/* The input ended: HTTP1_END for a body that runs until close, HTTP1_MORE when between messages, HTTP1_UPGRADED after that, else HTTP1_BAD
 * (truncated). */
enum http1_event http1_eof(struct http1 *p);

const struct http_head *http1_head(const struct http1 *p);
/* Responses: the request was HEAD, so this response has no body, with any fields (RFC 9112 section 6.3). Call before its head. */
void http1_expect_no_body(struct http1 *p);
/* Responses: the request asked for an upgrade that http_upgrade_wanted knows, so this response may be a 101 that switches to it; any other
 * 101 is HTTP1_BAD. Call before its head. */
void http1_allow_upgrade(struct http1 *p);
/* No message has begun: nothing read since the last end. */
bool http1_is_idle(const struct http1 *p);
/* After HTTP1_BAD: REASON_REQUEST_MALFORMED, REASON_REQUEST_TOO_LARGE or REASON_METHOD_UNKNOWN for requests, REASON_UPSTREAM_PROTOCOL
 * for responses, REASON_TRUNCATED or (out of memory) REASON_INTERNAL for both, and a sentence. */
enum reason http1_reason(const struct http1 *p);
const char *http1_detail(const struct http1 *p);
/* After HTTP1_BAD: the peer speaks HTTP/2, by its preface, or by a SETTINGS frame in place of a response. */
bool http1_is_h2(const struct http1 *p);
/* These bytes of a server are the beginning of HTTP/2: a SETTINGS frame, which it sends without being asked (RFC 9113 section 3.4). */
bool http1_opens_as_h2(struct span response);
#define HTTP1_H2_ANSWER "the upstream speaks HTTP/2 on this port, and was asked in HTTP/1.1"

#endif
