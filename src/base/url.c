/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/url.h"

#include <string.h>
#include <strings.h>

static const char scheme[] = "http://";

bool url_is_http(struct span url)
{
    size_t n = sizeof(scheme) - 1;
    if (url.len <= n || url.len > URL_MAX || strncasecmp((const char *)url.ptr, scheme, n) != 0)
        return false;
    for (size_t i = n; i < url.len; i++)
        if (url.ptr[i] <= ' ' || url.ptr[i] >= 0x7f || strchr("\"<>\\^`{|}#@", url.ptr[i]) != NULL)
            return false;
    return strchr("/:?", url.ptr[n]) == NULL;
}
