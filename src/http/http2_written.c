/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_written.h"

#include <stdlib.h>
#include <string.h>

struct lengths {
    uint32_t name, value;
};

void http2_written_clear(struct http2_written *w)
{
    free(w->memory);
    *w = (struct http2_written){0};
}

void http2_written_forget(struct http2_written *w)
{
    w->block_len = 0;
}

static bool is_same(const uint8_t *at, const nghttp2_nv *field)
{
    struct lengths lengths;
    memcpy(&lengths, at, sizeof(lengths));
    at += sizeof(lengths);
    return lengths.name == field->namelen && lengths.value == field->valuelen && field->flags == NGHTTP2_NV_FLAG_NONE &&
           memcmp(at, field->name, lengths.name) == 0 && memcmp(at + lengths.name, field->value, lengths.value) == 0;
}

struct span http2_written_find(const struct http2_written *w, const struct http2_fields *f)
{
    if (w->block_len == 0 || w->n_fields != f->n)
        return span_of(NULL, 0);
    const uint8_t *at = w->memory + w->block_len;
    for (size_t i = 0; i < f->n; i++) {
        if (!is_same(at, &f->list[i]))
            return span_of(NULL, 0);
        at += sizeof(struct lengths) + f->list[i].namelen + f->list[i].valuelen;
    }
    return span_of(w->memory, w->block_len);
}

static bool fits(const struct http2_fields *f, struct span block)
{
    size_t n = block.len;
    for (size_t i = 0; i < f->n && n <= HTTP2_WRITTEN_BYTES; i++) {
        if (f->list[i].flags != NGHTTP2_NV_FLAG_NONE || f->list[i].namelen > HTTP2_WRITTEN_BYTES || f->list[i].valuelen > HTTP2_WRITTEN_BYTES)
            return false;
        n += sizeof(struct lengths) + f->list[i].namelen + f->list[i].valuelen;
    }
    return n <= HTTP2_WRITTEN_BYTES;
}

static uint8_t *put(uint8_t *to, const void *from, size_t n)
{
    memcpy(to, from, n);
    return to + n;
}

void http2_written_keep(struct http2_written *w, const struct http2_fields *f, struct span block)
{
    w->block_len = 0;
    if (!fits(f, block))
        return;
    if (w->memory == NULL && (w->memory = malloc(HTTP2_WRITTEN_BYTES)) == NULL)
        return;
    uint8_t *to = put(w->memory, block.ptr, block.len);
    for (size_t i = 0; i < f->n; i++) {
        const nghttp2_nv *field = &f->list[i];
        struct lengths lengths = {(uint32_t)field->namelen, (uint32_t)field->valuelen};
        to = put(put(put(to, &lengths, sizeof(lengths)), field->name, field->namelen), field->value, field->valuelen);
    }
    w->n_fields = f->n;
    w->block_len = block.len;
}
