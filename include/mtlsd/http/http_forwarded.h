/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells an upstream where a request came from: X-Forwarded-For and its relatives, or Forwarded (RFC 7239).
 *
 * What a client claims in these fields is not believed, and ours replace them. Behind a trusted proxy ours are appended to what that proxy sent. Then
 * the client is the last address, read from the right, that belongs to no trusted proxy. An element that is no address, "unknown" or obfuscated name
 * is dropped together with all that stands before it, because its author may have written those too. Of more than HTTP_FORWARDED_MAX elements
 * the last ones are kept. Only the field's own spelling counts: a proxy passes X_Forwarded_For on as its client wrote it.
 */
#ifndef MTLSD_HTTP_HTTP_FORWARDED_H
#define MTLSD_HTTP_HTTP_FORWARDED_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/ip_range.h"
#include "mtlsd/http/http_head.h"

enum { HTTP_FORWARDED_MAX = 32, HTTP_FORWARDED_TEXT = 48 };

struct http_forwarded {
    bool rfc7239;
    struct span peer;             /* its address without port, "unix" or "unknown" */
    const char *proto;            /* "https" or "http": how it came */
    bool believe;                 /* the peer is a trusted proxy */
    bool hold_host;               /* routes look at the host: the proxy's word for it passes only where it is the same */
    const struct ip_range *trusted;
    size_t n_trusted;
};

/* Appends the whole lines. A failure shows in out->failed. */
void http_forwarded_append(struct bytes *out, const struct http_forwarded *how, const struct http_head *request);
/* The client's address, as above; the peer's own where it is not believed or names no address. Ends in a NUL. */
void http_forwarded_client(const struct http_forwarded *how, const struct http_head *request, char out[HTTP_FORWARDED_TEXT]);

#endif
