/* SPDX-License-Identifier: Apache-2.0 */
/* One direction of an exchange, towards one of its peers: a message's head, body and end, written for the protocol that its connection speaks.
 * What cannot be written for lack of memory breaks the link. */
#ifndef MTLSD_PROXY_FLOW_H
#define MTLSD_PROXY_FLOW_H

#include "mtlsd/http/http_answer.h"
#include "mtlsd/http/http_guard.h"
#include "mtlsd/proxy/link.h"

struct flow {
    struct link *link;           /* borrowed; NULL: there is none now */
    struct http2_stream *stream; /* HTTP/2: held until flow_leave; NULL: a request that has none yet */
    bool tunnel;                 /* plain bytes on a stream (RFC 8441) */
    bool ended;                  /* and the peer sends no more */
    bool open;                   /* a body whose end is still to be written: with HTTP/1 one in chunks (RFC 9112 section 7.1) */
};

struct flow flow_to(struct link *l, struct http2_stream *stream);
/* user: whose the stream is that a request opens. -1: it cannot be written, see http_guard_write_head. Nothing was then. */
MUST_CHECK int flow_head(struct flow *f, const struct http_outgoing *o, void *user);
bool flow_head_was_too_large(const struct flow *f); /* for the peer: why it could not be written */
/* A whole answer of our own. -1: it cannot be written. */
MUST_CHECK int flow_answer(struct flow *f, const struct http_answer *a);
void flow_data(struct flow *f, struct span data);      /* a part of the body; borrowed until the turn ends */
void flow_data_copy(struct flow *f, struct span data);
/* The end of the message, with the trailers that may pass and that the edit does not forbid; both may be NULL. Nothing where it was written already. */
void flow_end(struct flow *f, const struct http_head *trailers, const struct http_edit *edit);
size_t flow_pending(const struct flow *f); /* bytes that wait to be sent */
/* n bytes that came on it were passed on: the peer may send as many again. */
void flow_took(struct flow *f, size_t n);
/* Nothing more will be written. cut: what was must not look whole. Ends a stream of HTTP/2; a connection that is its own is the caller's to end. */
void flow_leave(struct flow *f, bool cut);

#endif
