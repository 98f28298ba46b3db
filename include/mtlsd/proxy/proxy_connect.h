/* SPDX-License-Identifier: Apache-2.0 */
/* The way out through an HTTP proxy: CONNECT is asked and its answer read, and only then does the connection belong to the upstream (RFC 9110
 * section 9.3.6). Bytes in, a verdict out. */
#ifndef MTLSD_PROXY_PROXY_CONNECT_H
#define MTLSD_PROXY_PROXY_CONNECT_H

#include "mtlsd/base/address.h"
#include "mtlsd/base/reasons.h"
#include "mtlsd/http/http1.h"

/* Appends the request for a tunnel to that host and port. -1: out of memory. */
MUST_CHECK int proxy_connect_ask(struct bytes *out, const struct address *to);
/* A reader for the answer, to be freed by http1_free; NULL: out of memory. */
struct http1 *proxy_connect_reader(void);
/* Eats from *in. REASON_UNDECIDED: more is needed. REASON_VALID: the tunnel stands, and what is left of *in came through it. Anything else: it does
 * not, with a sentence. */
enum reason proxy_connect_read(struct http1 *reader, struct span *in, struct err *err);
/* The proxy closed instead of answering. */
enum reason proxy_connect_eof(struct err *err);

#endif
