/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_cookie.h"

#include <string.h>

/* Takes the pair in front off *rest. */
static struct span next_pair(struct span *rest)
{
    const uint8_t *end = memchr(rest->ptr, ';', rest->len);
    size_t n = end != NULL ? (size_t)(end - rest->ptr) : rest->len;
    struct span pair = span_of(rest->ptr, n);
    *rest = span_skip(*rest, end != NULL ? n + 1 : n);
    return pair;
}

static struct span find_in(struct span cookies, struct span name)
{
    while (cookies.len > 0) {
        struct span pair = next_pair(&cookies);
        const uint8_t *sign = pair.len > 0 ? memchr(pair.ptr, '=', pair.len) : NULL;
        if (sign == NULL)
            continue;
        size_t n = (size_t)(sign - pair.ptr);
        if (span_equals(span_trim(span_of(pair.ptr, n)), name))
            return span_trim(span_skip(pair, n + 1));
    }
    return (struct span){NULL, 0};
}

struct span http_cookie_find(const struct http_head *h, const char *name)
{
    struct span wanted = span_from_str(name);
    for (size_t i = 0; i < h->n_fields; i++) {
        if (!span_equals_nocase_str(h->fields[i].name, "cookie"))
            continue;
        struct span value = find_in(h->fields[i].value, wanted);
        if (value.ptr != NULL)
            return value;
    }
    return (struct span){NULL, 0};
}
