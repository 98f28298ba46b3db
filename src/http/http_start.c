/* SPDX-License-Identifier: Apache-2.0 */
#include "http_start.h"

#include <string.h>

const char *http_start_read_request(struct http_head *h, struct span line)
{
    static const char version[] = " HTTP/1.";
    size_t tail = sizeof(version); /* with the minor digit in place of the NUL */
    if (line.len <= tail || memcmp(line.ptr + line.len - tail, version, tail - 1) != 0)
        return "the request line does not end in HTTP/1.1 or HTTP/1.0";
    h->minor = (unsigned)(line.ptr[line.len - 1] - '0');
    if (h->minor > 1)
        return "the HTTP version is not 1.1 or 1.0";
    line.len -= tail;
    const uint8_t *space = memchr(line.ptr, ' ', line.len);
    if (space == NULL)
        return "the request line has no target";
    h->method = span_of(line.ptr, (size_t)(space - line.ptr));
    h->target = span_skip(line, h->method.len + 1);
    if (h->method.len == 0 || h->target.len == 0 || memchr(h->target.ptr, ' ', h->target.len) != NULL)
        return "the request line is not three words with one space between";
    return NULL;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

const char *http_start_read_response(struct http_head *h, struct span line)
{
    const uint8_t *s = line.ptr;
    if (line.len < 12 || memcmp(s, "HTTP/1.", 7) != 0 || s[7] < '0' || s[7] > '1' || s[8] != ' ')
        return "the status line does not begin with HTTP/1.1 or HTTP/1.0";
    if (s[9] < '1' || s[9] > '5' || !is_digit(s[10]) || !is_digit(s[11]) || (line.len > 12 && s[12] != ' '))
        return "the status is not a number from 100 to 599";
    h->minor = (unsigned)(s[7] - '0');
    h->status = (unsigned)((s[9] - '0') * 100 + (s[10] - '0') * 10 + (s[11] - '0'));
    h->phrase = span_skip(line, 13);
    for (size_t i = 0; i < h->phrase.len; i++)
        if ((h->phrase.ptr[i] < 0x20 && h->phrase.ptr[i] != '\t') || h->phrase.ptr[i] == 0x7f)
            return "a control byte in the reason phrase";
    return NULL;
}
