/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of one header block, as HPACK gives them (RFC 9113 section 8): pseudo fields first and once, names in lower case, nothing about the connection,
 * cookies joined, the host in Host. http2_head_make makes a head of them.
 *
 * A block is always read to its end, also when it is refused: the compression table needs each field of it. Only one with the bytes of the block before is
 * not, where these mean the same fields and leave the table as it is: everything about it is known then (http2_block_repeats).
 */
#ifndef MTLSD_HTTP_HTTP2_BLOCK_H
#define MTLSD_HTTP_HTTP2_BLOCK_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/reasons.h"
#include "mtlsd/http/http_head.h"

enum http2_block_kind { HTTP2_BLOCK_REQUEST, HTTP2_BLOCK_RESPONSE, HTTP2_BLOCK_TRAILERS, HTTP2_BLOCK_DROPPED };
enum { HTTP2_PSEUDO_METHOD, HTTP2_PSEUDO_SCHEME, HTTP2_PSEUDO_AUTHORITY, HTTP2_PSEUDO_PATH, HTTP2_PSEUDO_PROTOCOL, HTTP2_PSEUDO_STATUS, HTTP2_N_PSEUDOS };

struct http2_place { /* in text */
    uint32_t at, name_len, value_len;
};

struct http2_repeat { /* what the last block was */
    size_t n;     /* its bytes, which are the first ones of text; 0: they are not kept */
    size_t times; /* so often it came, one after the other */
    bool known;   /* it need not be read when it comes again */
    bool ends_stream, no_body;
    enum http2_block_kind kind;
};

struct http2_block {
    /* set by who reads it */
    uint32_t id; /* of the stream; 0: no block is open */
    bool ends_stream;
    unsigned n_frames;

    enum http2_block_kind kind;
    size_t max_bytes, max_fields;
    bool extended_connect; /* :protocol may be there */

    struct http2_repeat repeat;
    uint8_t *text; /* owned: a short block's bytes, then names and values one behind the other */
    size_t len, cap;
    struct http2_place *places; /* owned: fields */
    size_t n_places, cap_places;
    struct http2_place pseudos[HTTP2_N_PSEUDOS];
    unsigned seen_pseudos; /* bits */
    bool seen_field;
    size_t n_seen, n_cookies, n_hosts;
    size_t bytes; /* decoded */
    uint64_t never; /* as http_head.never_indexed, of places */
    bool never_cookie;
    struct http2_place joined; /* of several cookies */

    enum reason reason; /* REASON_VALID, or why it is refused */
    const char *detail;
    struct http_field *fields; /* owned */
    size_t cap_fields;
    struct http_head head; /* after http2_head_make */
};

/* True: the last block was like b, and of these bytes; no_body as http2_head_make has it. If it is known, b has all that it means. */
bool http2_block_repeats(const struct http2_block *b, struct span bytes, bool no_body);
/* Forgets what the last block meant. The kind is set before. */
void http2_block_begin(struct http2_block *b, struct span bytes, bool no_body);
/* After http2_head_make: the block is known once it came so often; 0: never. */
void http2_block_keep(struct http2_block *b, size_t settles_after);
/* The next field. A fault of it is kept in reason and detail. */
void http2_block_add(struct http2_block *b, const struct http_field *f, bool never);
void http2_block_clear(struct http2_block *b); /* frees */

/* ---- for http2_head.c ---- */
struct span http2_block_pseudo(const struct http2_block *b, unsigned which); /* ptr NULL: it is not there */
struct span http2_block_host(const struct http2_block *b);                   /* the value of the field; ptr NULL: it is not there */
void http2_block_refuse(struct http2_block *b, enum reason reason, const char *detail); /* the first reason counts */
MUST_CHECK int http2_block_join_cookies(struct http2_block *b); /* before anything points into text; -1: no memory */
MUST_CHECK int http2_block_give_fields(struct http2_block *b);  /* to head; -1: no memory */

#endif
