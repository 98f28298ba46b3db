/* SPDX-License-Identifier: Apache-2.0 */
#include "http_lines.h"

#include <string.h>

void http_lines_init(struct http_lines *l, size_t max)
{
    bytes_init(&l->kept, max);
    l->line = 0;
}

void http_lines_clear(struct http_lines *l)
{
    bytes_clear(&l->kept);
    l->line = 0;
}

/* The line's bytes without its LF. Whole for the empty line, More for any other that is fit. */
static inline enum http_lines_found judge_line(const uint8_t *line, size_t n)
{
    if (n == 0 || line[n - 1] != '\r')
        return HTTP_LINES_BARE_LF;
    if (n == 1)
        return HTTP_LINES_WHOLE;
    if (memchr(line, '\r', n - 1) != NULL)
        return HTTP_LINES_BARE_CR;
    if (line[0] == ' ' || line[0] == '\t')
        return HTTP_LINES_FOLDED;
    return HTTP_LINES_MORE;
}

static enum http_lines_found keep(struct http_lines *l, struct span *in, size_t line)
{
    if (in->len > l->kept.max)
        return HTTP_LINES_TOO_LONG;
    if (bytes_append_span(&l->kept, *in) != 0)
        return HTTP_LINES_NO_MEMORY;
    l->line = line;
    *in = span_skip(*in, in->len);
    return HTTP_LINES_MORE;
}

static enum http_lines_found find_in_place(struct http_lines *l, struct span *in, struct span *block)
{
    size_t line = 0;
    for (;;) {
        const uint8_t *start = in->ptr + line;
        const uint8_t *lf = line < in->len ? memchr(start, '\n', in->len - line) : NULL;
        if (lf == NULL)
            return keep(l, in, line);
        size_t n = (size_t)(lf - start);
        line += n + 1;
        if (line > l->kept.max)
            return HTTP_LINES_TOO_LONG;
        enum http_lines_found found = judge_line(start, n);
        if (found == HTTP_LINES_MORE)
            continue;
        *block = span_of(in->ptr, line);
        *in = span_skip(*in, line);
        return found;
    }
}

static enum http_lines_found collect(struct http_lines *l, struct span *in, struct span *block)
{
    while (in->len > 0) {
        const uint8_t *lf = memchr(in->ptr, '\n', in->len);
        size_t n = lf != NULL ? (size_t)(lf - in->ptr) + 1 : in->len;
        if (n > l->kept.max - l->kept.len)
            return HTTP_LINES_TOO_LONG;
        if (bytes_append(&l->kept, in->ptr, n) != 0)
            return HTTP_LINES_NO_MEMORY;
        *in = span_skip(*in, n);
        if (lf == NULL)
            break;
        *block = bytes_span(&l->kept);
        enum http_lines_found found = judge_line(block->ptr + l->line, block->len - 1 - l->line);
        if (found != HTTP_LINES_MORE)
            return found;
        l->line = block->len;
    }
    return HTTP_LINES_MORE;
}

enum http_lines_found http_lines_feed(struct http_lines *l, struct span *in, struct span *block)
{
    if (in->len == 0)
        return HTTP_LINES_MORE;
    return l->kept.len == 0 ? find_in_place(l, in, block) : collect(l, in, block);
}
