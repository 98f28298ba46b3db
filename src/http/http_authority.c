/* SPDX-License-Identifier: Apache-2.0 */
#include "http_authority.h"

#include "http_bytes.h"

static bool is_of_address(uint8_t c)
{
    uint8_t letter = c | 0x20;
    return (c >= '0' && c <= '9') || (letter >= 'a' && letter <= 'f') || c == ':' || c == '.';
}

/* How much of text is the host with its brackets; 0: none. */
static size_t read_host(struct span text, struct span *host)
{
    if (text.len == 0 || text.ptr[0] != '[') {
        *host = span_of(text.ptr, http_bytes_run(text, HTTP_BYTES_HOST));
        return host->len;
    }
    size_t i = 1;
    while (i < text.len && is_of_address(text.ptr[i]))
        i++;
    if (i < 3 || i == text.len || text.ptr[i] != ']')
        return 0;
    *host = span_of(text.ptr + 1, i - 1);
    return i + 1;
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
