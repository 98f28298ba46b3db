/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that we make ourselves, whole: those of routes that respond or redirect, and what http_problem tells. */
#ifndef MTLSD_HTTP_HTTP_ANSWER_H
#define MTLSD_HTTP_HTTP_ANSWER_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/http/http_date.h"
#include "mtlsd/http/http_head.h"

struct http_answer { /* borrowed */
    unsigned status;
    const char *phrase;   /* reason phrase of the status line; NULL: none */
    struct span location; /* empty: none */
    struct span allow;    /* the methods that are allowed; empty: not said */
    const char *type;     /* of the body; NULL: plain text */
    struct span body;     /* empty: none, and Content-Length says so. A status that has no body (1xx, 204, 304) drops it */
    bool no_sniff;        /* browsers are to take the type for what it is */
    int64_t now;          /* seconds since 1970, for Date */
    unsigned retry_after; /* seconds; 0: not said */
    bool head_only;       /* the request was HEAD: send the length without the body */
    bool close;           /* say Connection: close */
    bool tunnel;          /* a 2xx that grants CONNECT: neither length nor body (RFC 9110 section 9.3.6) */
};

/* Appends a whole response, with Date and Cache-Control: no-store. -1: no room, or a location or phrase with control bytes. */
MUST_CHECK int http_answer_write(struct bytes *out, const struct http_answer *a);

/* The same as a value, for HTTP/2: its head, without what frames the body, but with the length that HEAD asks for. */
struct http_answer_value {
    struct http_head head;
    struct http_field fields[8]; /* of head */
    char date[HTTP_DATE_SIZE], retry_after[12], length[12];
    struct span body; /* what is to be sent of it; borrowed from the answer */
};
/* -1: as above. v stays where it is. */
MUST_CHECK int http_answer_value(struct http_answer_value *v, const struct http_answer *a);

#endif
