/* SPDX-License-Identifier: Apache-2.0 */
/* One direction of an exchange, towards one of its peers: a message's head, body and end, written for the protocol that its connection speaks.
 * What cannot be written for lack of memory breaks the link. */
#ifndef MTLSD_PROXY_FLOW_H
#define MTLSD_PROXY_FLOW_H

#include "mtlsd/http/http_guard.h"
#include "mtlsd/proxy/link.h"

struct flow {
    struct link *link; /* borrowed; NULL: there is none now */
    bool chunked;      /* a body in chunks (RFC 9112 section 7.1) whose last one is still to be written */
};

struct flow flow_to(struct link *l);
/* -1: it cannot be written, see http_guard_write_head. Nothing was then. */
MUST_CHECK int flow_head(struct flow *f, const struct http_outgoing *o);
void flow_data(struct flow *f, struct span data);      /* a part of the body; borrowed until the turn ends */
void flow_data_copy(struct flow *f, struct span data);
/* The end of the message, with the trailers that may pass and that the edit does not forbid; both may be NULL. Nothing where it was written already. */
void flow_end(struct flow *f, const struct http_head *trailers, const struct http_edit *edit);
size_t flow_pending(const struct flow *f); /* bytes that wait to be sent */

#endif
