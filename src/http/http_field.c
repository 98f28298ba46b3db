/* SPDX-License-Identifier: Apache-2.0 */
#include "http_field.h"

#include "http_authority.h"
#include "http_name.h"
#include "mtlsd/base/hostname.h"
#include "mtlsd/http/http_guard.h"

#include <string.h>

/* All names with the prefixes of the presets: a backend may trust "X-SSL-Client-Used" or "SSL-Client-Fingerprint" like our own names, and only we
 * may send them (security C11). */
bool http_guard_is_owned(struct span name)
{
    if (name.len == 0)
        return false;
    switch (name.ptr[0] | 0x20) {
    case 'c':
        return http_name_starts(name, "client-cert");
    case 's':
        return http_name_starts(name, "ssl-client-");
    case 'x':
        return http_name_starts(name, "x-ssl-") || http_name_starts(name, "x-forwarded-client-cert");
    default:
        return false;
    }
}

bool http_guard_same_name(struct span a, struct span b)
{
    return http_name_same(a, b);
}

/* Frameworks obey these in place of the target and the method that routes looked at. */
bool http_guard_is_override(struct span name)
{
    static const char *const names[] = {"x-original-url", "x-rewrite-url", "x-http-method-override", "x-http-method", "x-method-override"};
    return http_name_is_one_of(name, names, sizeof(names) / sizeof(names[0]));
}

static bool replaces_host(struct span name)
{
    static const char *const names[] = {"x-host", "x-original-host", "x-http-host-override"};
    return http_name_is_one_of(name, names, sizeof(names) / sizeof(names[0]));
}

/* A parameter of that name, or what a lenient reader takes for one. */
static bool mentions_host(struct span value)
{
    for (; value.len >= 4; value = span_skip(value, 1))
        if (span_equals_nocase_str(span_of(value.ptr, 4), "host"))
            return true;
    return false;
}

bool http_guard_names_other_host(const struct http_field *f, struct span host)
{
    struct span list = f->value, item;
    struct http_authority named;
    if (http_name_equals(f->name, "forwarded"))
        return mentions_host(f->value);
    if (!http_name_equals(f->name, "x-forwarded-host") && !replaces_host(f->name))
        return false;
    while (span_next_in_list(&list, &item))
        if (!http_authority_read(item, &named) || !hostname_matches(host, named.host))
            return true;
    return false;
}

static enum http_field_kind kind_of_x(struct span name)
{
    if (http_guard_is_owned(name))
        return HTTP_FIELD_OWNED;
    if (http_name_starts(name, "x-forwarded-") || http_name_equals(name, "x-real-ip"))
        return HTTP_FIELD_FORWARDED;
    if (http_guard_is_override(name))
        return HTTP_FIELD_OVERRIDE;
    return replaces_host(name) ? HTTP_FIELD_OTHER_HOST : HTTP_FIELD_PLAIN;
}

/* Asked of nearly every message: the usual spelling is found by two wide comparisons, the others by the slow
 * way. */
static bool is_connection(struct span name)
{
    return name.len == 10 &&
           (memcmp(name.ptr, "Connection", 10) == 0 || memcmp(name.ptr, "connection", 10) == 0 || http_name_equals(name, "connection"));
}

static bool is_content_length(struct span name)
{
    return name.len == 14 &&
           (memcmp(name.ptr, "Content-Length", 14) == 0 || memcmp(name.ptr, "content-length", 14) == 0 || http_name_equals(name, "content-length"));
}

static enum http_field_kind kind_of_c(struct span name)
{
    if (is_connection(name))
        return HTTP_FIELD_CONNECTION;
    if (is_content_length(name))
        return HTTP_FIELD_LENGTH;
    return (name.ptr[1] | 0x20) == 'l' && http_guard_is_owned(name) ? HTTP_FIELD_OWNED : HTTP_FIELD_PLAIN;
}

static enum http_field_kind kind_if(struct span name, const char *wanted, enum http_field_kind kind)
{
    return http_name_equals(name, wanted) ? kind : HTTP_FIELD_PLAIN;
}

/* In one wide comparison where the name is spelled as by most programs. */
static bool is_four(struct span name, const char *usual, const char *wanted)
{
    return name.len == 4 && (memcmp(name.ptr, usual, 4) == 0 || memcmp(name.ptr, wanted, 4) == 0 || http_name_equals(name, wanted));
}

bool http_field_is_host(struct span name)
{
    return is_four(name, "Host", "host");
}

bool http_field_is_date(struct span name)
{
    return is_four(name, "Date", "date");
}

bool http_field_is_expect(struct span name)
{
    return name.len == 6 && http_name_equals(name, "expect");
}

/* The first letter tells most fields apart at the cost of a jump. */
enum http_field_kind http_field_kind_of(struct span name)
{
    if (name.len < 2)
        return HTTP_FIELD_PLAIN;
    switch (name.ptr[0] | 0x20) {
    case 'c':
        return kind_of_c(name);
    case 'x':
        return kind_of_x(name);
    case 'h':
        return http_field_is_host(name) ? HTTP_FIELD_HOST : kind_if(name, "http2-settings", HTTP_FIELD_HOP);
    case 'k':
        return kind_if(name, "keep-alive", HTTP_FIELD_HOP);
    case 'p':
        return http_name_equals(name, "proxy-authorization") ? HTTP_FIELD_PROXY
                                                             : kind_if(name, "proxy-connection", HTTP_FIELD_HOP);
    case 's':
        return http_guard_is_owned(name) ? HTTP_FIELD_OWNED : HTTP_FIELD_PLAIN;
    case 't':
        if (name.len == 7)
            return kind_if(name, "trailer", HTTP_FIELD_TRAILER);
        return name.len == 2 ? kind_if(name, "te", HTTP_FIELD_HOP)
                             : kind_if(name, "transfer-encoding", HTTP_FIELD_CODING);
    case 'u':
        return kind_if(name, "upgrade", HTTP_FIELD_HOP);
    case 'f':
        return kind_if(name, "forwarded", HTTP_FIELD_FORWARDED);
    default:
        return HTTP_FIELD_PLAIN;
    }
}

bool http_field_may_trail(struct span name)
{
    static const char *const never[] = {
        "age",
        "authorization",
        "cache-control",
        "content-encoding",
        "content-location",
        "content-range",
        "content-type",
        "cookie",
        "date",
        "destination",
        "expect",
        "expires",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "location",
        "max-forwards",
        "pragma",
        "proxy-authenticate",
        "range",
        "refresh",
        "retry-after",
        "set-cookie",
        "vary",
        "warning",
        "www-authenticate",
    };
    return http_field_kind_of(name) == HTTP_FIELD_PLAIN &&
           !http_name_is_one_of(name, never, sizeof(never) / sizeof(never[0]));
}
