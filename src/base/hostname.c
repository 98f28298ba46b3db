/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/hostname.h"

#include <arpa/inet.h>
#include <string.h>

enum { NAME_MAX_BYTES = 253, LABEL_MAX_BYTES = 63 }; /* RFC 1035 section 2.3.4, without the length bytes */

struct span hostname_without_last_dot(struct span host)
{
    if (host.len > 0 && host.ptr[host.len - 1] == '.')
        host.len--;
    return host;
}

/* '_' is in no host name of RFC 952, and in the names of many real hosts. A table, because every request has a host. */
/* clang-format off */
static const bool letters[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x00 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x10 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, /* 0x20 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, /* 0x30 */
    0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 0x40 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, /* 0x50 */
    0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 0x60 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, /* 0x70 */
};
/* clang-format on */

static bool is_length(size_t label)
{
    return label > 0 && label <= LABEL_MAX_BYTES;
}

static size_t count_letters(struct span s)
{
    size_t n = 0;
    while (n < s.len && letters[s.ptr[n]])
        n++;
    return n;
}

static bool are_labels(struct span s)
{
    for (struct span rest = s;;) {
        size_t n = count_letters(rest);
        if (!is_length(n))
            return false;
        if (n == rest.len)
            return s.len <= NAME_MAX_BYTES;
        if (rest.ptr[n] != '.')
            return false;
        rest = span_skip(rest, n + 1);
    }
}

static bool read_ipv6(struct span host, uint8_t address[16])
{
    char text[INET6_ADDRSTRLEN];
    if (host.len == 0 || host.len >= sizeof(text) || memchr(host.ptr, '\0', host.len) != NULL)
        return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    return inet_pton(AF_INET6, text, address) == 1;
}

static inline bool is_hex_digit(uint8_t c)
{
    uint8_t letter = c | 0x20;
    return (c >= '0' && c <= '9') || (letter >= 'a' && letter <= 'f');
}

/* At most four hexadecimal digits stand before the first colon of an address; most names differ in their first letters. */
static inline bool looks_like_ipv6(struct span host)
{
    size_t i = 0;
    while (i < 4 && i < host.len && is_hex_digit(host.ptr[i]))
        i++;
    return i < host.len && host.ptr[i] == ':';
}

struct span hostname_canonical(struct span host, char room[HOSTNAME_IPV6_SIZE])
{
    uint8_t address[16];
    if (looks_like_ipv6(host) && read_ipv6(host, address) && inet_ntop(AF_INET6, address, room, HOSTNAME_IPV6_SIZE) != NULL)
        return span_from_str(room);
    return hostname_without_last_dot(host);
}

static bool same_ipv6(struct span pattern, struct span host)
{
    uint8_t a[16], b[16];
    return read_ipv6(pattern, a) && read_ipv6(host, b) && memcmp(a, b, sizeof(a)) == 0;
}

int hostname_compare(struct span a, struct span b)
{
    a = hostname_without_last_dot(a);
    b = hostname_without_last_dot(b);
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        int difference = span_lower(a.ptr[i]) - span_lower(b.ptr[i]);
        if (difference != 0)
            return difference;
    }
    return (a.len > b.len) - (a.len < b.len);
}

bool hostname_is_well_formed(struct span host)
{
    if (host.len == 0)
        return false;
    uint8_t address[16];
    return memchr(host.ptr, ':', host.len) != NULL ? read_ipv6(host, address) : are_labels(hostname_without_last_dot(host));
}

static bool is_suffix(struct span pattern)
{
    return pattern.len >= 3 && memcmp(pattern.ptr, "*.", 2) == 0;
}

bool hostname_is_pattern(struct span pattern)
{
    return is_suffix(pattern) ? are_labels(hostname_without_last_dot(span_skip(pattern, 2))) : hostname_is_well_formed(pattern);
}

static bool ends_with(struct span host, struct span suffix)
{
    return host.len > suffix.len && span_equals_nocase(span_skip(host, host.len - suffix.len), suffix);
}

/* Most patterns do not match, so the grammar is looked at last. */
bool hostname_matches(struct span pattern, struct span host)
{
    struct span name = hostname_without_last_dot(host);
    bool same = is_suffix(pattern) ? ends_with(name, hostname_without_last_dot(span_skip(pattern, 1)))
                                   : span_equals_nocase(hostname_without_last_dot(pattern), name) || (looks_like_ipv6(pattern) && same_ipv6(pattern, host));
    return same && pattern.len > 0 && hostname_is_well_formed(host);
}

unsigned hostname_port(struct span digits)
{
    unsigned port = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9' || i >= 5)
            return 0;
        port = port * 10 + (unsigned)(digits.ptr[i] - '0');
    }
    return port <= 65535 ? port : 0;
}
