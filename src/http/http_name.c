/* SPDX-License-Identifier: Apache-2.0 */
#include "http_name.h"

/* CGI's variables have letters, digits and '_': there are servers that write '_' for whatever else a name holds, so that "X~SSL~Issuer" arrives as
 * HTTP_X_SSL_ISSUER. */
static bool is_mark(uint8_t c)
{
    uint8_t letter = c | 0x20;
    return !(c >= '0' && c <= '9') && !(letter >= 'a' && letter <= 'z');
}

/* Setting one bit folds the case of letters and leaves digits and '-' as they are. Other bytes that it would
 * mix up are in no name that is compared with, or in no token. */
static bool same(uint8_t c, uint8_t wanted)
{
    return (c | 0x20) == (wanted | 0x20) || (wanted == '-' && is_mark(c));
}

bool http_name_starts(struct span name, const char *prefix)
{
    size_t i = 0;
    while (prefix[i] != '\0' && i < name.len && same(name.ptr[i], (uint8_t)prefix[i]))
        i++;
    return prefix[i] == '\0';
}

bool http_name_equals(struct span name, const char *other)
{
    size_t i = 0;
    while (other[i] != '\0' && i < name.len && same(name.ptr[i], (uint8_t)other[i]))
        i++;
    return other[i] == '\0' && i == name.len;
}

static uint8_t folded(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c | 0x20;
    return is_mark(c) ? '-' : c;
}

bool http_name_same(struct span a, struct span b)
{
    size_t i = 0;
    if (a.len != b.len)
        return false;
    while (i < a.len && folded(a.ptr[i]) == folded(b.ptr[i]))
        i++;
    return i == a.len;
}

bool http_name_is_one_of(struct span name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (http_name_equals(name, list[i]))
            return true;
    return false;
}
