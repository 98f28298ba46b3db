/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_names.h"

#include "mtlsd/base/hostname.h"
#include "mtlsd/base/spiffe.h"

#include <arpa/inet.h>
#include <string.h>

/* The address bytes of a literal, brackets allowed; 0 when it is none. */
static size_t parse_address(const char *text, uint8_t out[16])
{
    char bare[64];
    size_t n = strlen(text);
    if (inet_pton(AF_INET, text, out) == 1)
        return 4;
    if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }
    if (n >= sizeof(bare))
        return 0;
    memcpy(bare, text, n);
    bare[n] = '\0';
    return inet_pton(AF_INET6, bare, out) == 1 ? 16 : 0;
}

static size_t count_labels(struct span name)
{
    size_t n = 1;
    for (size_t i = 0; i < name.len; i++)
        n += name.ptr[i] == '.';
    return n;
}

/* "*" may stand for one whole left-most label, and at least two labels must follow it: "*.com" matches no host. */
static bool matches_dns(struct span pattern, struct span expected)
{
    if (!hostname_is_well_formed(expected))
        return false;
    expected = hostname_without_last_dot(expected);
    if (pattern.len < 2 || pattern.ptr[0] != '*' || pattern.ptr[1] != '.')
        return span_equals_nocase(pattern, expected);
    struct span suffix = span_skip(pattern, 1);
    const uint8_t *dot = memchr(expected.ptr, '.', expected.len);
    if (dot == NULL || count_labels(pattern) < 3)
        return false;
    return span_equals_nocase(suffix, span_skip(expected, (size_t)(dot - expected.ptr)));
}

bool tls_names_match(const struct tls_name *name, const char *expected)
{
    struct span text = span_from_str(expected);
    if (strstr(expected, "://") != NULL)
        return name->type == TLS_NAME_URI && (span_equals(name->value, text) || spiffe_matches(expected, name->value));
    uint8_t address[16];
    size_t n = parse_address(expected, address);
    if (n > 0)
        return name->type == TLS_NAME_IP && span_equals(name->value, span_of(address, n));
    return name->type == TLS_NAME_DNS && tls_names_sane(name) && matches_dns(name->value, text);
}

bool tls_names_sane(const struct tls_name *name)
{
    if (name->type != TLS_NAME_DNS && name->type != TLS_NAME_URI && name->type != TLS_NAME_EMAIL)
        return true;
    for (size_t i = 0; i < name->value.len; i++)
        if (name->value.ptr[i] <= 0x20 || name->value.ptr[i] >= 0x7f)
            return false;
    return name->value.len > 0;
}
