/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/hostname.h"

#include <string.h>

struct span hostname_without_last_dot(struct span host)
{
    if (host.len > 0 && host.ptr[host.len - 1] == '.')
        host.len--;
    return host;
}

static bool are_labels(struct span s)
{
    uint8_t before = '.';
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '.' && before == '.')
            return false;
        before = s.ptr[i];
    }
    return before != '.';
}

static bool is_suffix(struct span pattern)
{
    return pattern.len >= 3 && memcmp(pattern.ptr, "*.", 2) == 0;
}

bool hostname_matches(struct span pattern, struct span host)
{
    host = hostname_without_last_dot(host);
    if (host.len == 0 || pattern.len == 0)
        return false;
    if (!is_suffix(pattern))
        return span_equals_nocase(hostname_without_last_dot(pattern), host);
    struct span suffix = hostname_without_last_dot(span_skip(pattern, 1));
    if (host.len <= suffix.len)
        return false;
    size_t labels = host.len - suffix.len;
    return span_equals_nocase(span_skip(host, labels), suffix) && are_labels(span_of(host.ptr, labels));
}

bool hostname_is_closer(struct span pattern, struct span than)
{
    if (is_suffix(pattern) != is_suffix(than))
        return !is_suffix(pattern);
    return hostname_without_last_dot(pattern).len > hostname_without_last_dot(than).len;
}
