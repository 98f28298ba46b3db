/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/span.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct span span_of(const void *ptr, size_t len)
{
    return (struct span){ptr, len};
}

struct span span_from_str(const char *text)
{
    return (struct span){(const uint8_t *)text, text != NULL ? strlen(text) : 0};
}

struct span span_skip(struct span s, size_t n)
{
    if (n > s.len)
        n = s.len;
    return n == 0 ? s : (struct span){s.ptr + n, s.len - n};
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

struct span span_trim(struct span s)
{
    while (s.len > 0 && is_blank(s.ptr[0]))
        s = span_skip(s, 1);
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool span_equals(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool span_equals_str(struct span a, const char *b)
{
    return span_equals(a, span_from_str(b));
}

bool span_equals_secret(struct span a, struct span b)
{
    unsigned differs = a.len == b.len && a.len > 0 ? 0 : 1;
    for (size_t i = 0; i < a.len && i < b.len; i++)
        differs |= (unsigned)(a.ptr[i] ^ b.ptr[i]);
    return differs == 0;
}

bool span_equals_nocase(struct span a, struct span b)
{
    return a.len == b.len &&
           (a.len == 0 || strncasecmp((const char *)a.ptr, (const char *)b.ptr, a.len) == 0);
}

bool span_equals_nocase_str(struct span a, const char *b)
{
    return span_equals_nocase(a, span_from_str(b));
}

bool span_next_in_list(struct span *rest, struct span *item)
{
    while (rest->len > 0) {
        const uint8_t *comma = memchr(rest->ptr, ',', rest->len);
        size_t n = comma != NULL ? (size_t)(comma - rest->ptr) : rest->len;
        *item = span_trim(span_of(rest->ptr, n));
        *rest = span_skip(*rest, comma != NULL ? n + 1 : n);
        if (item->len > 0)
            return true;
    }
    return false;
}

char *span_dup(struct span s)
{
    char *copy = malloc(s.len + 1);
    if (copy == NULL)
        return NULL;
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}
