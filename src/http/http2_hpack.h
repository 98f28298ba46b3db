/* SPDX-License-Identifier: Apache-2.0 */
/* The only caller of nghttp2: header blocks to fields and back (HPACK, RFC 7541), with the usual table of 4 KiB in both directions. */
#ifndef MTLSD_HTTP_HTTP2_HPACK_H
#define MTLSD_HTTP_HTTP2_HPACK_H

#include "mtlsd/base/attr.h"
#include "mtlsd/http/http_head.h"

#include <nghttp2/nghttp2.h>

struct http2_hpack {
    nghttp2_hd_inflater *reader;
    nghttp2_hd_deflater *writer;
};

enum http2_hpack_found {
    HTTP2_HPACK_FIELD, /* *field is valid until the next call */
    HTTP2_HPACK_END,   /* of the block */
    HTTP2_HPACK_BAD,   /* no HPACK: neither side's table is known any more */
    HTTP2_HPACK_NO_MEMORY,
};

MUST_CHECK int http2_hpack_init(struct http2_hpack *c); /* -1: no memory; http2_hpack_clear is fine after it */
void http2_hpack_clear(struct http2_hpack *c);

/* Consumes from the front of *in, a whole block at the begin. *never: the field must not join a table. */
enum http2_hpack_found http2_hpack_read(struct http2_hpack *c, struct span *in, struct http_field *field, bool *never);

/*
 * How often a block that was read to its end has to come, one after the other, until the same bytes mean the same fields and leave the table as it is; 0: never.
 * Once, if nothing of it joins the table. Some servers, such as nginx, let the same fields join it with each answer: the table is full of these at some time, and
 * one more of each pushes out one that is the same (RFC 7541 section 4.4). Never, if a field must not join a table: a comparison could tell about it.
 */
size_t http2_hpack_settles_after(struct http2_hpack *c, struct span block);

/* True: nothing of a block joins a table, and nothing has to stay out of one. */
bool http2_hpack_adds_nothing(struct span block);

/* Sets the size that the peer's SETTINGS allow for our table. -1: no memory. */
MUST_CHECK int http2_hpack_limit(struct http2_hpack *c, uint32_t bytes);
/* The most bytes that these can take. */
size_t http2_hpack_bound(struct http2_hpack *c, const nghttp2_nv *fields, size_t n);
/* How many bytes were written, 0: failed, and then the writer is of no further use. */
size_t http2_hpack_write(struct http2_hpack *c, uint8_t *to, size_t room, const nghttp2_nv *fields, size_t n);

#endif
