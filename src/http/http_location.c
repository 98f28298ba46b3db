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

/* Takes what names the upstream off the front of *location; false: it names something else. */
static bool take_upstream(struct span *location, const struct http_location_map *map)
{
    struct http_authority named, upstream;
    return map->client_host.len > 0 && take_authority(location, map->upstream_scheme, &named) &&
           http_authority_read(map->upstream_authority, &upstream) &&
           http_authority_same(&named, &upstream, port_of(map->upstream_scheme));
}

static int append_ours(struct bytes *out, struct span rest, const struct http_location_map *map)
{
    bytes_printf(out, "%s://", map->client_scheme);
    bytes_append_span(out, map->client_host);
    return bytes_append_span(out, rest) == 0 ? 1 : -1;
}

int http_location_rewrite(struct bytes *out, struct span location, const struct http_location_map *map)
{
    return take_upstream(&location, map) ? append_ours(out, location, map) : 0;
}

/* Where the address begins; value.len: nowhere. Browsers take it in quotes too. */
static size_t find_address(struct span value)
{
    static const char mark[] = "url=";
    enum { MARK = sizeof(mark) - 1 };
    for (size_t i = 0; i + MARK <= value.len; i++) {
        if (!span_equals_nocase_str(span_of(value.ptr + i, MARK), mark))
            continue;
        size_t at = i + MARK;
        while (at < value.len && (value.ptr[at] == ' ' || value.ptr[at] == '"' || value.ptr[at] == '\''))
            at++;
        return at;
    }
    return value.len;
}

int http_location_rewrite_refresh(struct bytes *out, struct span value, const struct http_location_map *map)
{
    size_t at = find_address(value);
    struct span address = span_skip(value, at);
    if (!take_upstream(&address, map))
        return 0;
    bytes_append_span(out, span_of(value.ptr, at));
    return append_ours(out, address, map);
}
