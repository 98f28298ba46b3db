/* SPDX-License-Identifier: Apache-2.0 */
/* Fields on their way to the compressor. Names are written in lower case; short heads need no memory. */
#ifndef MTLSD_HTTP_HTTP2_FIELDS_H
#define MTLSD_HTTP_HTTP2_FIELDS_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/span.h"

#include <nghttp2/nghttp2.h>

enum { HTTP2_FEW_FIELDS = 40, HTTP2_FEW_BYTES = 1024 };

struct http2_fields {
    nghttp2_nv *list;
    uint8_t *text;
    size_t n, n_text, cap, cap_text;
    nghttp2_nv few[HTTP2_FEW_FIELDS];
    uint8_t few_text[HTTP2_FEW_BYTES];
};

/* Room for so many fields, and so many bytes of names and numbers. -1: no memory. */
MUST_CHECK int http2_fields_init(struct http2_fields *f, size_t most_fields, size_t most_text);
void http2_fields_clear(struct http2_fields *f);
/* never: the field must not join a table (RFC 7541 section 6.2.3). Names and values are borrowed. */
void http2_fields_add(struct http2_fields *f, struct span name, struct span value, bool never);
void http2_fields_add_str(struct http2_fields *f, const char *name, struct span value);
void http2_fields_add_lowered(struct http2_fields *f, struct span name, struct span value, bool never);
struct span http2_fields_number(struct http2_fields *f, uint64_t n, size_t digits);
/* Whole lines, each with its CRLF, as the writers of identity make them. */
size_t http2_fields_count_lines(struct span lines);
void http2_fields_add_lines(struct http2_fields *f, struct span lines);

#endif
