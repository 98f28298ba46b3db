/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_hpack.h"

#include "http2_limits.h"

#include <stdlib.h>

/* The library takes its memory here, so that the tests that make allocations fail reach it too. */
static void *on_malloc(size_t size, void *user)
{
    (void)user;
    return malloc(size);
}

static void on_free(void *memory, void *user)
{
    (void)user;
    free(memory);
}

static void *on_calloc(size_t n, size_t size, void *user)
{
    (void)user;
    return calloc(n, size);
}

static void *on_realloc(void *memory, size_t size, void *user)
{
    (void)user;
    return realloc(memory, size);
}

static nghttp2_mem memory = {NULL, on_malloc, on_free, on_calloc, on_realloc};

int http2_hpack_init(struct http2_hpack *c)
{
    c->reader = NULL;
    c->writer = NULL;
    return nghttp2_hd_inflate_new2(&c->reader, &memory) == 0 && nghttp2_hd_deflate_new2(&c->writer, HTTP2_TABLE_BYTES, &memory) == 0 ? 0 : -1;
}

void http2_hpack_clear(struct http2_hpack *c)
{
    if (c->reader != NULL)
        nghttp2_hd_inflate_del(c->reader);
    if (c->writer != NULL)
        nghttp2_hd_deflate_del(c->writer);
    c->reader = NULL;
    c->writer = NULL;
}

enum http2_hpack_found http2_hpack_read(struct http2_hpack *c, struct span *in, struct http_field *field, bool *never)
{
    nghttp2_nv nv;
    int flags = 0;
    ssize_t n = nghttp2_hd_inflate_hd2(c->reader, &nv, &flags, in->ptr, in->len, 1);
    if (n < 0)
        return n == NGHTTP2_ERR_NOMEM ? HTTP2_HPACK_NO_MEMORY : HTTP2_HPACK_BAD;
    *in = span_skip(*in, (size_t)n);
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        *field = (struct http_field){span_of(nv.name, nv.namelen), span_of(nv.value, nv.valuelen)};
        *never = (nv.flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0;
        return HTTP2_HPACK_FIELD;
    }
    return (flags & NGHTTP2_HD_INFLATE_FINAL) != 0 && nghttp2_hd_inflate_end_headers(c->reader) == 0 ? HTTP2_HPACK_END : HTTP2_HPACK_BAD;
}

/* ---- blocks that come again ---- */

/* Skips an integer of RFC 7541 section 5.1. False: it is cut off, or larger than a block. */
static bool skip_number(struct span *in, uint8_t prefix, size_t *n)
{
    if (in->len == 0)
        return false;
    *n = in->ptr[0] & prefix;
    *in = span_skip(*in, 1);
    for (unsigned shift = 0; *n >= prefix && shift < 28; shift += 7) {
        if (in->len == 0)
            return false;
        uint8_t byte = in->ptr[0];
        *n += (size_t)(byte & 0x7f) << shift;
        *in = span_skip(*in, 1);
        if (byte < 0x80)
            return true;
    }
    return *n < prefix;
}

static bool skip_string(struct span *in)
{
    size_t n;
    if (!skip_number(in, 0x7f, &n) || n > in->len)
        return false;
    *in = span_skip(*in, n);
    return true;
}

struct references { /* of a block to the table */
    size_t joining; /* fields that join it */
    bool to_joined; /* a field or name that joined it before */
};

/* One representation of section 6. False: it changes the table's size, or must never join it. */
static bool skip_field(struct span *in, struct references *r)
{
    enum { LAST_STATIC = 61 };
    uint8_t first = in->ptr[0];
    bool indexed = first >= 0x80, joins = !indexed && first >= 0x40;
    size_t index;
    if ((first >= 0x10 && first < 0x40) || !skip_number(in, indexed ? 0x7f : joins ? 0x3f : 0x0f, &index))
        return false;
    r->joining += joins;
    r->to_joined = r->to_joined || index > LAST_STATIC;
    return indexed || ((index > 0 || skip_string(in)) && skip_string(in));
}

static bool skip_fields(struct span block, struct references *r)
{
    *r = (struct references){0};
    while (block.len > 0)
        if (!skip_field(&block, r))
            return false;
    return true;
}

size_t http2_hpack_settles_after(struct http2_hpack *c, struct span block)
{
    enum { ENTRY_LEAST = 32 }; /* section 4.1 */
    struct references r;
    if (!skip_fields(block, &r) || (r.joining > 0 && r.to_joined))
        return 0;
    return r.joining == 0 ? 1 : nghttp2_hd_inflate_get_max_dynamic_table_size(c->reader) / (r.joining * ENTRY_LEAST) + 1;
}

bool http2_hpack_adds_nothing(struct span block)
{
    struct references r;
    return skip_fields(block, &r) && r.joining == 0;
}

/* ---- writing ---- */

int http2_hpack_limit(struct http2_hpack *c, uint32_t bytes)
{
    return nghttp2_hd_deflate_change_table_size(c->writer, bytes) == 0 ? 0 : -1;
}

size_t http2_hpack_bound(struct http2_hpack *c, const nghttp2_nv *fields, size_t n)
{
    return nghttp2_hd_deflate_bound(c->writer, fields, n);
}

size_t http2_hpack_write(struct http2_hpack *c, uint8_t *to, size_t room, const nghttp2_nv *fields, size_t n)
{
    ssize_t written = nghttp2_hd_deflate_hd(c->writer, to, room, (nghttp2_nv *)(uintptr_t)fields, n);
    return written > 0 ? (size_t)written : 0;
}
