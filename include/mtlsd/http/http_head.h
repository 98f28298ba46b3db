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
};

/* The value of the first field of that name (case ignored), or an empty span with ptr NULL. */
struct span http_head_find(const struct http_head *h, const char *name);

#endif
