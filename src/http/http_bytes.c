/* SPDX-License-Identifier: Apache-2.0 */
#include "http_bytes.h"

/* One sum of enum http_bytes_class per byte; everything above ASCII is 0. */
/* clang-format off */
static const uint8_t classes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x00 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 0x10 */
    0, 7, 2, 1, 7, 1, 7, 7, 6, 6, 7, 7, 2, 7, 7, 2, /* 0x20 */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 6, 2, 6, 2, 2, /* 0x30 */
    2, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* 0x40 */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 2, 2, 3, 7, /* 0x50 */
    3, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* 0x60 */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 3, 2, 7, 0, /* 0x70 */
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
