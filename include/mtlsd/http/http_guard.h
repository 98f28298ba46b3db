/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard: what may pass between two sides of HTTP. Judges request heads, knows which fields are hop-by-hop, ours, or framing, and
 * writes heads for the other side from the parsed value: framing bytes are never passed through.
 */
#ifndef MTLSD_HTTP_HTTP_GUARD_H
#define MTLSD_HTTP_HTTP_GUARD_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/reasons.h"
#include "mtlsd/http/http_head.h"
#include "mtlsd/http/http_target.h"

/* REASON_VALID with *target, the request's, or why this request is refused, with a sentence in err: REASON_REQUEST_MALFORMED for a missing, doubled or odd Host, one that
 * differs from an absolute target's or CONNECT's, '#', control bytes, bad percent encoding in the target, a target whose form does not go with
 * the method, https:// in the target; REASON_METHOD_UNKNOWN for TRACE; REASON_EXPECTATION_FAILED for an Expect other than 100-continue in
 * HTTP/1.1. Absolute targets and CONNECT pass: whether they are served here is the caller's matter. RFC 9112 section 3.2. */
enum reason http_guard_request(const struct http_head *h, struct http_target *target, struct err *err);
/* True with *hops when Max-Forwards counts: a number in an OPTIONS request that the guard passed (RFC 9110 section 7.6.2). At 0 the request is
 * answered here, else it is forwarded with one less (http_outgoing.max_forwards). */
bool http_guard_max_forwards(const struct http_head *h, unsigned *hops);

/* A field that no peer may bring: any name of any identity preset, and whatever begins as they do (X-SSL-, SSL-Client-, Client-Cert, X-Forwarded-Client-Cert), case
 * ignored and every byte alike that is no letter or digit. */
bool http_guard_is_owned(struct span name);

/* A field that replaces target or method for some servers: X-Original-URL, X-Rewrite-URL, X-HTTP-Method-Override, X-HTTP-Method, X-Method-Override. */
bool http_guard_is_override(struct span name);

struct http_edit { /* what a route changes about a request's fields; borrowed. Names are compared as http_guard_is_owned does */
    const struct http_field *set; /* each replaces every field of its name; no control bytes */
    size_t n_set;
    const struct span *remove;
    size_t n_remove;
    const struct http_edit *next; /* one that holds too, but for fields that this one sets; NULL: none */
};

struct http_outgoing { /* how a head is to be written */
    const struct http_head *head;
    struct span host;         /* requests: value of Host instead of the peer's; empty: keep */
    struct span target;       /* requests: instead of the head's; empty: keep, an absolute one in origin form */
    struct span added;        /* whole field lines, each with CRLF, written last (identity, forwarded); may be empty */
    bool drop_forwarded;      /* requests: remove X-Forwarded-*, X-Real-IP and Forwarded that came in */
    bool drop_overrides;      /* requests: remove what replaces target or method for some servers: X-Original-URL, X-HTTP-Method-Override and their kin */
    bool wants_trailers;      /* requests: say TE: trailers, since the peer did; not together with upgrade or close */
    bool trailers;            /* trailers may follow (http_trailers.h): keep Trailer */
    const struct http_edit *edit; /* requests: NULL: none. Names of hop-by-hop, framing and owned fields, and Host, are passed over */
    const struct http_field *replaced; /* responses: what is written in place of the peer's fields of these names, where it has any */
    size_t n_replaced;
    struct span date;         /* responses: Date where the peer sent none (RFC 9110 section 6.6.1); empty: none */
    struct span upgrade;      /* http_upgrade_wanted: written with its Connection, and then neither close nor keep-alive; empty: none */
    struct span via;          /* whole value that is added to Via, "1.1 name", as a line behind the others; empty: none */
    bool has_max_forwards;    /* requests: Max-Forwards is written with this value instead of the peer's */
    unsigned max_forwards;
    enum http_framing framing; /* how the body will be sent: LENGTH, CHUNKED, NO_BODY or UNTIL_CLOSE */
    uint64_t length;
    bool close;               /* say Connection: close */
    bool keep_alive;          /* say Connection: keep-alive, which an HTTP/1.0 client needs to be told (RFC 9112 appendix C.2.2) */
};

/* Appends start line, fields (without hop-by-hop ones, those named in Connection, owned ones on requests, framing, Expect of HTTP/1.0,
 * Proxy-Authorization when we are the proxy) and the blank line. -1: no room, an edit that would break the head, or a request whose target
 * cannot be written as a path (CONNECT) where none is given. */
MUST_CHECK int http_guard_write_head(struct bytes *out, const struct http_outgoing *o);
/* Appends the last chunk with the trailers that may pass (no framing, hop-by-hop, owned or forwarded fields, none that the edit sets or removes), and the blank
 * line. trailers NULL: none; whether any may pass at all is http_trailers_may_pass. edit NULL: none. */
MUST_CHECK int http_guard_write_last_chunk(struct bytes *out, const struct http_head *trailers, const struct http_edit *edit);

#endif
