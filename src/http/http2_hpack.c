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
