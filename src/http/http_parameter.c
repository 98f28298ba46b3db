/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_parameter.h"

#include <string.h>

/* Up to the next parameter or segment. */
static struct span next_parameter(struct span rest)
{
    size_t n = 0;
    while (n < rest.len && rest.ptr[n] != ';' && rest.ptr[n] != '/')
        n++;
    return span_of(rest.ptr, n);
}

struct span http_parameter_find(struct span path, const char *name)
{
    size_t n = strlen(name);
    struct span found = {NULL, 0};
    const uint8_t *mark;
    while (path.len > 0 && (mark = memchr(path.ptr, ';', path.len)) != NULL) {
        path = span_skip(path, (size_t)(mark - path.ptr) + 1);
        struct span parameter = next_parameter(path);
        if (parameter.len > n && parameter.ptr[n] == '=' && span_equals_nocase_str(span_of(parameter.ptr, n), name))
            found = span_skip(parameter, n + 1);
    }
    return found;
}
