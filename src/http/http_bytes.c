/* SPDX-License-Identifier: Apache-2.0 */
#include "http_bytes.h"

/* One sum of enum http_bytes_class per byte; everything above ASCII is 0. */
/* clang-format off */
static const uint8_t classes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x00 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x10 */
    0, 3, 2, 1, 3, 1, 3, 3, 2, 2, 3, 3, 2, 3, 3, 2, /* 0x20 */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, /* 0x30 */
    2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, /* 0x40 */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 3, 3, /* 0x50 */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, /* 0x60 */
    3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 3, 2, 3, 0, /* 0x70 */
};
/* clang-format on */

size_t http_bytes_run(struct span s, enum http_bytes_class class)
{
    size_t n = 0;
    while (n < s.len && (classes[s.ptr[n]] & class) != 0)
        n++;
    return n;
}

bool http_bytes_is_token(struct span s)
{
    return s.len > 0 && http_bytes_run(s, HTTP_BYTES_TOKEN) == s.len;
}
