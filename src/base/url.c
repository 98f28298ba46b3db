/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Past the scheme; 0: it is not such an address. */
static size_t past_scheme(struct span url, const char *scheme)
{
    size_t n = strlen(scheme);
    if (url.len <= n || url.len > URL_MAX || strncasecmp((const char *)url.ptr, scheme, n) != 0)
        return 0;
    for (size_t i = n; i < url.len; i++)
        if (url.ptr[i] <= ' ' || url.ptr[i] >= 0x7f || strchr("\"<>\\^`{|}#@", url.ptr[i]) != NULL)
            return 0;
    return strchr("/:?", url.ptr[n]) == NULL ? n : 0;
}

bool url_is_http(struct span url)
{
    return past_scheme(url, "http://") > 0;
}

bool url_split_https(const char *url, struct address *server, const char **path)
{
    struct err err = {0};
    char authority[sizeof(server->host) + 16];
    size_t n = past_scheme(span_from_str(url), "https://");
    if (n == 0 || strchr(url, '?') != NULL)
        return false;
    size_t len = strcspn(url + n, "/");
    const char *host = url + n, *closing = memchr(host, ']', len);
    bool has_port = memchr(closing != NULL ? closing : host, ':', closing != NULL ? len - (size_t)(closing - host) : len) != NULL;
    int written = snprintf(authority, sizeof(authority), "%.*s%s", (int)len, host, has_port ? "" : ":443");
    *path = host + len;
    return written > 0 && (size_t)written < sizeof(authority) && address_parse(authority, server, &err) == 0 && server->kind == ADDRESS_TCP && server->host[0] != '\0' &&
           server->port > 0;
}
