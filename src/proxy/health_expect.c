/* SPDX-License-Identifier: Apache-2.0 */
#include "health_expect.h"

#include "mtlsd/base/span.h"

#include <stdlib.h>
#include <string.h>

bool health_expect_fits(const char *expect, unsigned status)
{
    struct span rest = span_from_str(expect), item;
    while (span_next_in_list(&rest, &item)) {
        char text[16], *end;
        if (item.len >= sizeof(text))
            continue;
        memcpy(text, item.ptr, item.len);
        text[item.len] = '\0';
        unsigned long from = strtoul(text, &end, 10), to = from;
        if (*end == '-')
            to = strtoul(end + 1, &end, 10);
        if (*end == '\0' && from >= 100 && status >= from && status <= to)
            return true;
    }
    return false;
}
