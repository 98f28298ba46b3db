/* SPDX-License-Identifier: Apache-2.0 */
#include "http_bytes.h"

#include <string.h>

/* One sum of enum http_bytes_class per byte. */
/* clang-format off */
static const uint8_t classes[256] = {
     0,  0,  0,  0,  0,  0,  0,  0,  0,  8,  0,  0,  0,  0,  0,  0, /* 0x00 */
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0, /* 0x10 */
     8, 15, 10, 13, 15, 13, 15, 15, 10, 10, 15, 15, 10, 15, 15, 10, /* 0x20 */
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 10, 10, 10, 10, 10, 10, /* 0x30 */
    10, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, /* 0x40 */
    11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 11, 10, 10, 10, 15, 15, /* 0x50 */
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* 0x60 */
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 10, 15, 10, 15,  0, /* 0x70 */
     8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0x80 */
     8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0x90 */
     8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xa0 */
     8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xb0 */
     8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xc0 */
     8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xd0 */
     8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xe0 */
     8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8, /* 0xf0 */
};
/* clang-format on */

/* Eight bytes of which none is a control byte, as in nearly all values. The table decides about a tab. */
static bool are_plain(const uint8_t *eight)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t x;
    memcpy(&x, eight, sizeof(x));
    uint64_t del = x ^ ones * 0x7f;
    return ((((x - ones * 0x20) & ~x) | ((del - ones) & ~del)) & tops) == 0;
}

size_t http_bytes_run(struct span s, enum http_bytes_class class)
{
    size_t n = 0;
    while (class == HTTP_BYTES_VALUE && n + 8 <= s.len && are_plain(s.ptr + n))
        n += 8;
    while (n < s.len && (classes[s.ptr[n]] & class) != 0)
        n++;
    return n;
}

bool http_bytes_is_token(struct span s)
{
    return s.len > 0 && http_bytes_run(s, HTTP_BYTES_TOKEN) == s.len;
}

bool http_bytes_is_lower(struct span s)
{
    return s.len > 0 && http_bytes_run(s, HTTP_BYTES_LOWER) == s.len;
}
