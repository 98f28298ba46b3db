/* SPDX-License-Identifier: Apache-2.0 */
/* A request's target, read once (RFC 9112 section 3.2), and the rules about paths on listeners that look at them (security C9). */
#ifndef MTLSD_HTTP_HTTP_TARGET_H
#define MTLSD_HTTP_HTTP_TARGET_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/reasons.h"
#include "mtlsd/http/http_head.h"

enum http_target_form { HTTP_TARGET_ORIGIN, HTTP_TARGET_ABSOLUTE, HTTP_TARGET_AUTHORITY /* CONNECT */, HTTP_TARGET_ASTERISK };

struct http_target { /* spans into the head */
    enum http_target_form form;
    struct span host;  /* of an absolute target or of CONNECT, else of Host; without port and brackets; may be empty for HTTP/1.0 */
    unsigned port;     /* 0: none given */
    struct span authority; /* host as written, with brackets and port: what Host must say */
    struct span path;  /* without query; "/" for an absolute target without one; empty for '*', CONNECT, and OPTIONS of an address without path */
    struct span query; /* with its '?'; empty: none */
};

/* For a head whose target http_guard_request found to hold no odd bytes, with at most one Host. -1 with a sentence for what cannot be taken apart. */
MUST_CHECK int http_target_read(const struct http_head *h, struct http_target *out, struct err *err);

/* The same for a reference in a field: a path, or an http or https address. */
MUST_CHECK int http_target_read_reference(struct span text, struct http_target *out, struct err *err);

/* NULL, or a sentence: dot segments (encoded or not), encoded slash, backslash (encoded or not), encoded NUL, overlong encodings, empty segments.
 * Parameters are looked past, because some servers cut them off first: "/a;b/..;c/d" has a dot segment, "/;a/b" an empty one. Other spellings of
 * the same path, "/%61;b" for "/a", pass: matching has to see through them. */
const char *http_target_path_refusal(struct span path);
/* Appends the path with dot segments resolved, empty segments and "%2e" folded, unreserved characters decoded, and hex digits in upper case (RFC
 * 3986 section 6.2.2). The refusal above then finds nothing in it. -1 with a sentence for paths without a safe spelling: encoded slashes,
 * backslashes, NUL, dot or empty segments with parameters. */
MUST_CHECK int http_target_normalize(struct bytes *out, struct span path, struct err *err);

#endif
