/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard: what may pass between two sides of HTTP. Judges request heads, knows which fields are hop-by-hop, ours, or framing, and
 * writes heads for the other side from the parsed value: framing bytes are never passed through.
 */
#ifndef MTLSD_HTTP_HTTP_GUARD_H
#define MTLSD_HTTP_HTTP_GUARD_H

#include "mtlsd/base/block_cache.h"
#include "mtlsd/base/err.h"
#include "mtlsd/base/reasons.h"
#include "mtlsd/http/http_head.h"
#include "mtlsd/http/http_target.h"

/* Checks a request's target, Host and Expect (RFC 9112 section 3.2). REASON_VALID with *target, or the reason of the refusal with a sentence in
 * err. REASON_REQUEST_MALFORMED: Host is missing, doubled, malformed, or differs from an absolute target or CONNECT; '#', control bytes or bad
 * percent encoding in the target; a form that does not fit the method; https:// in the target. REASON_METHOD_UNKNOWN: TRACE.
 * REASON_EXPECTATION_FAILED: another Expect than 100-continue in HTTP/1.1. Absolute targets and CONNECT pass; the caller decides whether it serves
 * them. */
enum reason http_guard_request(const struct http_head *h, struct http_target *target, struct err *err);
/* Whether the method may come with a Destination: all that HTTP itself does not define, of which COPY and MOVE do (RFC 4918 section 10.3). */
bool http_guard_may_have_destination(struct span method);
/* REASON_VALID with *target, which Destination names, of origin or absolute form; its scheme may be https. REASON_REQUEST_MALFORMED for several, and for
 * a value that is neither a path nor an http address. For a head with Destination. */
enum reason http_guard_destination(const struct http_head *h, struct http_target *target, struct err *err);
/* True with *hops when Max-Forwards counts: a number in an OPTIONS request that the guard passed (RFC 9110 section 7.6.2). At 0 the request is
 * answered here, else it is forwarded with one less (http_outgoing.max_forwards). */
bool http_guard_max_forwards(const struct http_head *h, unsigned *hops);

/* A field that peers must not send: every name of an identity preset, and every name that begins like one (X-SSL-, SSL-Client-, Client-Cert,
 * X-Forwarded-Client-Cert). Case is ignored, and all bytes that are not letters or digits count as the same. */
bool http_guard_is_owned(struct span name);

/* Two names are one to a backend: case is ignored, and all bytes that are not letters or digits count as the same. */
bool http_guard_same_name(struct span a, struct span b);

/* A field that replaces target or method for some servers: X-Original-URL, X-Rewrite-URL, X-HTTP-Method-Override, X-HTTP-Method, X-Method-Override. */
bool http_guard_is_override(struct span name);
/* A field by which some servers take another host than this one: X-Forwarded-Host, X-Host, X-Original-Host or X-HTTP-Host-Override with another name in it, or
 * Forwarded with any. */
bool http_guard_names_other_host(const struct http_field *f, struct span host);

struct http_edit { /* changes of a route to a request's fields; borrowed. Names are compared as http_guard_is_owned does */
    const struct http_field *set; /* each replaces every field of its name; no control bytes. With a value at NULL it does so too, but is written elsewhere */
    size_t n_set;
    const struct span *remove;
    size_t n_remove;
    const struct http_edit *next; /* another edit that applies as well, except to fields that this one sets; NULL: none */
};

struct http_outgoing { /* how a head is to be written */
    const struct http_head *head;
    struct span host;         /* requests: value of Host instead of the peer's; empty: keep */
    struct span target;       /* requests: instead of the head's; empty: keep, an absolute one in origin form */
    struct span added;        /* whole field lines, each with CRLF, written last (identity, forwarded); may be empty */
    bool drop_forwarded;      /* requests: remove X-Forwarded-*, X-Real-IP and Forwarded that came in */
    bool drop_other_hosts;    /* requests: remove fields that name another host than asked_host (http_guard_names_other_host) */
    struct span asked_host;   /* what routes looked at */
    bool drop_overrides;      /* requests: remove what replaces target or method for some servers: X-Original-URL, X-HTTP-Method-Override and their kin */
    bool wants_trailers;      /* requests: say TE: trailers, since the peer did; not together with upgrade or close */
    bool trailers;            /* trailers may follow (http_trailers.h): keep Trailer */
    const struct http_edit *edit; /* requests: NULL: none. Hop-by-hop, framing and owned fields and Host are skipped */
    const struct http_field *replaced; /* responses: what is written in place of the peer's fields of these names, where it has any */
    size_t n_replaced;
    struct span date;         /* responses: Date where the peer sent none (RFC 9110 section 6.6.1); empty: none */
    struct span upgrade;      /* http_upgrade_wanted: written with its Connection, and then neither close nor keep-alive; empty: none */
    struct span via;          /* whole value that is added to Via, "1.1 name", as a line behind the others; empty: none */
    bool has_max_forwards;    /* requests: Max-Forwards is written with this value instead of the peer's */
    unsigned max_forwards;
    struct span scheme;       /* requests by HTTP/2: "https" or "http" */
    struct span protocol;     /* requests by HTTP/2: an extended CONNECT to it (RFC 8441); empty: none */
    enum http_framing framing; /* how the body will be sent: LENGTH, CHUNKED, NO_BODY or UNTIL_CLOSE */
    uint64_t length;
    bool close;               /* say Connection: close */
    struct block_cache *blocks; /* HTTP/1.1: lends a short head its memory; NULL: the allocator has it */
    bool keep_alive;          /* say Connection: keep-alive, which an HTTP/1.0 client needs to be told (RFC 9112 appendix C.2.2) */
};

/* Appends start line, fields and the blank line. Left out are hop-by-hop fields, fields named in Connection, owned fields of requests, framing,
 * Expect of HTTP/1.0, and Proxy-Authorization if we are the proxy. -1: no room, an edit that would break the head, or a request whose target
 * cannot be written as a path (CONNECT) without a given one. */
MUST_CHECK int http_guard_write_head(struct bytes *out, const struct http_outgoing *o);
/* Appends the last chunk with the trailers that may pass, and the blank line. Framing, hop-by-hop, owned and forwarded fields do not pass, nor
 * fields that the edit sets or removes. trailers NULL: none; http_trailers_may_pass decides whether any pass at all. edit NULL: none. */
MUST_CHECK int http_guard_write_last_chunk(struct bytes *out, const struct http_head *trailers, const struct http_edit *edit);

#endif
