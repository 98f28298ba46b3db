/* SPDX-License-Identifier: Apache-2.0 */
#include "http_authority.h"

#include "mtlsd/base/hostname.h"

#include <string.h>

/* How much of text is the host with its brackets; 0: none. */
static size_t read_host(struct span text, struct span *host)
{
    bool brackets = text.len > 0 && text.ptr[0] == '[';
    size_t begin = brackets ? 1 : 0, end = begin;
    while (end < text.len && text.ptr[end] != (brackets ? ']' : ':'))
        end++;
    *host = span_of(text.ptr + begin, end - begin);
    if (!hostname_is_well_formed(*host) || (brackets && (end == text.len || memchr(host->ptr, ':', host->len) == NULL)))
        return 0;
    return brackets ? end + 1 : end;
}

static bool read_port(struct span digits, unsigned *port)
{
    unsigned n = 0;
    if (digits.len > 5)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
        n = n * 10 + (unsigned)(digits.ptr[i] - '0');
    }
    *port = n;
    return n <= 65535 && (n > 0 || digits.len == 0);
}

bool http_authority_read(struct span text, struct http_authority *out)
{
    out->port = 0;
    size_t n = read_host(text, &out->host);
    if (n == 0)
        return false;
    return n == text.len || (text.ptr[n] == ':' && read_port(span_skip(text, n + 1), &out->port));
}

bool http_authority_same(const struct http_authority *a, const struct http_authority *b,
                         unsigned default_port)
{
    unsigned port_a = a->port != 0 ? a->port : default_port, port_b = b->port != 0 ? b->port : default_port;
    return port_a == port_b && span_equals_nocase(a->host, b->host);
}
