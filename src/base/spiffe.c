/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/spiffe.h"

#include "mtlsd/base/text.h"

#include <string.h>

enum { ID_MAX = 2048, DOMAIN_MAX = 255 };

static const char scheme[] = "spiffe://";
enum { SCHEME_LENGTH = sizeof(scheme) - 1 };

bool spiffe_is_meant(struct span uri)
{
    size_t n = strlen("spiffe:");
    return uri.len >= n && span_equals_nocase_str(span_of(uri.ptr, n), "spiffe:");
}

static bool all_of(struct span s, const char *more)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!plain && (c == '\0' || strchr(more, (char)c) == NULL))
            return false;
    }
    return true;
}

bool spiffe_is_domain(struct span text)
{
    return text.len > 0 && text.len <= DOMAIN_MAX && all_of(text, ".-_");
}

/* The text before the next slash. */
static struct span part(struct span s)
{
    const uint8_t *slash = s.len > 0 ? memchr(s.ptr, '/', s.len) : NULL;
    return span_of(s.ptr, slash != NULL ? (size_t)(slash - s.ptr) : s.len);
}

bool spiffe_is_well_formed(struct span uri)
{
    if (uri.len <= SCHEME_LENGTH || uri.len > ID_MAX || memcmp(uri.ptr, scheme, SCHEME_LENGTH) != 0)
        return false;
    struct span rest = span_skip(uri, SCHEME_LENGTH);
    struct span domain = part(rest);
    if (!spiffe_is_domain(domain))
        return false;
    rest = span_skip(rest, domain.len);
    while (rest.len > 0) {
        rest = span_skip(rest, 1);
        struct span segment = part(rest);
        if (segment.len == 0 || span_equals_str(segment, ".") || span_equals_str(segment, ".."))
            return false;
        if (!all_of(segment, ".-_ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
            return false;
        rest = span_skip(rest, segment.len);
    }
    return true;
}

struct span spiffe_domain_of(struct span uri)
{
    if (!spiffe_is_well_formed(uri))
        return span_of(NULL, 0);
    struct span rest = span_skip(uri, SCHEME_LENGTH);
    struct span own = part(rest);
    return rest.len > own.len ? own : span_of(NULL, 0);
}

bool spiffe_is_of_domain(struct span uri, struct span domain)
{
    struct span own = spiffe_domain_of(uri);
    return own.len > 0 && span_equals(own, domain);
}

bool spiffe_names_domain(const char *pattern, struct span *domain)
{
    if (strncmp(pattern, scheme, SCHEME_LENGTH) != 0)
        return false;
    *domain = part(span_from_str(pattern + SCHEME_LENGTH));
    return domain->len > 0 && memchr(domain->ptr, '*', domain->len) == NULL;
}

bool spiffe_matches(const char *pattern, struct span uri)
{
    struct span domain;
    return spiffe_names_domain(pattern, &domain) && spiffe_is_well_formed(uri) && text_glob(pattern, uri, '/');
}

bool spiffe_is_source(const char *path)
{
    return path != NULL && strncmp(path, scheme, strlen("spiffe:")) == 0;
}
