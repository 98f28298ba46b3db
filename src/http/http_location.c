/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_location.h"

#include "http_authority.h"

#include <string.h>

static unsigned port_of(const char *scheme)
{
    return strcmp(scheme, "https") == 0 ? 443 : 80;
}

/* Takes "scheme://authority" off the front of *location. */
static bool take_authority(struct span *location, const char *scheme, struct http_authority *out)
{
    size_t n = strlen(scheme);
    if (location->len < n + 3 || !span_equals_nocase_str(span_of(location->ptr, n), scheme) ||
        memcmp(location->ptr + n, "://", 3) != 0)
        return false;
    struct span rest = span_skip(*location, n + 3);
    size_t end = 0;
    while (end < rest.len && strchr("/?#", rest.ptr[end]) == NULL)
        end++;
    if (!http_authority_read(span_of(rest.ptr, end), out))
        return false;
    *location = span_skip(rest, end);
    return true;
}

int http_location_rewrite(struct bytes *out, struct span location, const struct http_location_map *map)
{
    struct http_authority named, upstream;
    if (!take_authority(&location, map->upstream_scheme, &named) ||
        !http_authority_read(map->upstream_authority, &upstream))
        return 0;
    if (map->client_host.len == 0 || !http_authority_same(&named, &upstream, port_of(map->upstream_scheme)))
        return 0;
    bool done = bytes_append_str(out, map->client_scheme) == 0 && bytes_append_str(out, "://") == 0 &&
                bytes_append_span(out, map->client_host) == 0 && bytes_append_span(out, location) == 0;
    return done ? 1 : -1;
}
