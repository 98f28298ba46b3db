/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a message as a value. Names and values are spans into memory the maker keeps; nothing is copied that is not changed.
 */
#ifndef MTLSD_HTTP_HTTP_HEAD_H
#define MTLSD_HTTP_HTTP_HEAD_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/span.h"

struct http_field {
    struct span name, value; /* value without surrounding white space */
};

enum http_framing { HTTP_NO_BODY, HTTP_LENGTH, HTTP_CHUNKED, HTTP_UNTIL_CLOSE };

struct http_head {
    bool request;
    unsigned minor;            /* HTTP/1.minor */
    struct span method, target; /* request */
    unsigned status;            /* response */
    struct span phrase;
    struct http_field *fields;
    size_t n_fields;
    enum http_framing framing;
    uint64_t length; /* HTTP_LENGTH */
    bool keep_alive; /* the sender will go on using this connection */
    bool plain_connection; /* its Connection was read, and names nothing but close and keep-alive; false: not known */
    bool http2;      /* came by HTTP/2: minor is 1, names are in lower case, the host is in Host, HTTP_CHUNKED stands for an unknown length */
    struct span scheme, protocol; /* HTTP/2 requests: "https" or "http"; RFC 8441, empty: none */
    uint64_t never_indexed;       /* bit i: fields[i] must not join a compression table (RFC 7541 section 6.2.3); bit 63: nor fields[63] and all behind it */
};

/* The value of the first field of that name (case ignored), or an empty span with ptr NULL. */
struct span http_head_find(const struct http_head *h, const char *name);
/* In one block with all that it points to, to be freed by free. NULL: out of memory. */
struct http_head *http_head_copy(const struct http_head *h);
/* The same in memory of the caller's, which has http_head_size bytes. */
size_t http_head_size(const struct http_head *h);
struct http_head *http_head_place(const struct http_head *h, void *room);

#endif
