/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_fields.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int http2_fields_init(struct http2_fields *f, size_t most_fields, size_t most_text)
{
    f->n = f->n_text = 0;
    f->list = f->few;
    f->text = f->few_text;
    f->cap = most_fields;
    f->cap_text = most_text;
    if (most_fields > HTTP2_FEW_FIELDS || most_text > HTTP2_FEW_BYTES) {
        f->list = malloc(most_fields * sizeof(*f->list) + most_text);
        if (f->list == NULL)
            return -1;
        f->text = (uint8_t *)(f->list + most_fields);
    }
    return 0;
}

void http2_fields_clear(struct http2_fields *f)
{
    if (f->list != f->few)
        free(f->list);
}

static uint8_t *bytes_of(struct span s)
{
    static uint8_t none[1];
    return s.len > 0 ? (uint8_t *)(uintptr_t)s.ptr : none;
}

void http2_fields_add(struct http2_fields *f, struct span name, struct span value, bool never)
{
    assert(f->n < f->cap);
    f->list[f->n++] = (nghttp2_nv){bytes_of(name), bytes_of(value), name.len, value.len, never ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE};
}

void http2_fields_add_lowered(struct http2_fields *f, struct span name, struct span value, bool never)
{
    uint8_t *to = f->text + f->n_text;
    assert(name.len <= f->cap_text - f->n_text);
    for (size_t i = 0; i < name.len; i++)
        to[i] = (uint8_t)(name.ptr[i] | ((uint8_t)(name.ptr[i] - 'A') < 26) << 5);
    f->n_text += name.len;
    http2_fields_add(f, span_of(to, name.len), value, never);
}

void http2_fields_add_str(struct http2_fields *f, const char *name, struct span value)
{
    http2_fields_add(f, span_from_str(name), value, false);
}

struct span http2_fields_number(struct http2_fields *f, uint64_t n, size_t digits)
{
    uint8_t *to = f->text + f->n_text;
    uint8_t reversed[20];
    size_t len = 0;
    do {
        reversed[len++] = (uint8_t)('0' + n % 10);
        n /= 10;
    } while (n > 0 || len < digits);
    for (size_t i = 0; i < len; i++)
        to[i] = reversed[len - 1 - i];
    f->n_text += len;
    return span_of(to, len);
}

/* Whole lines, each with its CRLF, as the writers of identity make them. */
size_t http2_fields_count_lines(struct span lines)
{
    size_t n = 0;
    for (size_t i = 0; i < lines.len; i++)
        n += lines.ptr[i] == '\n';
    return n;
}

void http2_fields_add_lines(struct http2_fields *f, struct span lines)
{
    while (lines.len > 0) {
        const uint8_t *end = memchr(lines.ptr, '\r', lines.len), *colon = memchr(lines.ptr, ':', lines.len);
        if (end == NULL || colon == NULL || colon > end)
            return;
        struct span name = span_of(lines.ptr, (size_t)(colon - lines.ptr));
        http2_fields_add_lowered(f, name, span_trim(span_of(colon + 1, (size_t)(end - colon - 1))), false);
        lines = span_skip(lines, (size_t)(end - lines.ptr) + 2);
    }
}
