/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/bytes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bytes_init(struct bytes *b, size_t max)
{
    *b = (struct bytes){.max = max};
}

void bytes_clear(struct bytes *b)
{
    if (b->data != NULL) /* most are empty */
        free(b->data);
    *b = (struct bytes){.max = b->max};
}

void bytes_wipe(struct bytes *b)
{
    if (b->data != NULL)
        explicit_bzero(b->data, b->cap);
    bytes_clear(b);
}

static int grow(struct bytes *b, size_t need)
{
    size_t cap = b->cap > 0 ? b->cap : 256;
    while (cap < need)
        cap *= 2;
    if (cap > b->max)
        cap = b->max;
    uint8_t *data = malloc(cap);
    if (data == NULL)
        return -1;
    if (b->len > 0)
        memcpy(data, b->data + b->head, b->len);
    free(b->data);
    b->data = data;
    b->head = 0;
    b->cap = cap;
    return 0;
}

/* The usual case is small enough to be a part of its callers. */
static inline uint8_t *room_behind(const struct bytes *b, size_t n)
{
    size_t end = b->head + b->len;
    return n <= b->max - b->len && n <= b->cap - end ? b->data + end : NULL;
}

static NOINLINE uint8_t *make_room(struct bytes *b, size_t n)
{
    if (n == 0 || n > b->max - b->len)
        return NULL;
    if (b->len + n <= b->cap && b->head >= b->cap / 2) {
        memmove(b->data, b->data + b->head, b->len);
        b->head = 0;
    } else if (grow(b, b->len + n) != 0) {
        return NULL;
    }
    return b->data + b->head + b->len;
}

uint8_t *bytes_reserve(struct bytes *b, size_t n)
{
    uint8_t *room = room_behind(b, n);
    return room != NULL ? room : make_room(b, n);
}

void bytes_commit(struct bytes *b, size_t n)
{
    assert(b->head + b->len + n <= b->cap);
    b->len += n;
}

int bytes_append(struct bytes *b, const void *data, size_t n)
{
    if (b->failed || n == 0)
        return b->failed ? -1 : 0;
    uint8_t *room = bytes_reserve(b, n);
    b->failed = room == NULL;
    if (room == NULL)
        return -1;
    memcpy(room, data, n);
    b->len += n;
    return 0;
}

int bytes_append_span(struct bytes *b, struct span s)
{
    return bytes_append(b, s.ptr, s.len);
}

int bytes_append_str(struct bytes *b, const char *text)
{
    return bytes_append(b, text, strlen(text));
}

int bytes_append_part(struct bytes *b, struct bytes *part)
{
    b->failed = b->failed || part->failed;
    int rc = bytes_append_span(b, bytes_span(part));
    bytes_clear(part);
    return rc;
}

int bytes_printf(struct bytes *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char small[256];
    int n = vsnprintf(small, sizeof(small), fmt, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof(small))
        return bytes_append(b, small, (size_t)n);
    /* vsnprintf wants room for a NUL that is then not committed; asking for it keeps the maximum honest by
     * one byte */
    uint8_t *room = n < 0 || b->failed ? NULL : bytes_reserve(b, (size_t)n + 1);
    b->failed = room == NULL;
    if (b->failed)
        return -1;
    va_start(args, fmt);
    vsnprintf((char *)room, (size_t)n + 1, fmt, args);
    va_end(args);
    b->len += (size_t)n;
    return 0;
}

struct span bytes_span(const struct bytes *b)
{
    return (struct span){b->len > 0 ? b->data + b->head : NULL, b->len};
}

void bytes_consume(struct bytes *b, size_t n)
{
    assert(n <= b->len);
    b->head += n;
    b->len -= n;
    if (b->len == 0)
        bytes_clear(b);
}

void bytes_take(struct bytes *b, struct bytes *taken)
{
    assert(taken->len == 0 && taken->data == NULL);
    size_t max = taken->max;
    *taken = *b;
    taken->max = max > b->len ? max : b->len;
    *b = (struct bytes){.max = b->max};
}
