/* SPDX-License-Identifier: Apache-2.0 */
/* Short texts that operators and peers write: addresses, ranges, pins, SPIFFE IDs, host names, URLs, moments, durations, authorities, cookies and
 * patterns. What is taken reads the same when it is written again, and holds no byte that means something elsewhere. First byte: which; a line feed
 * parts two texts. */
#include "fuzz.h"

#include "http_authority.h"
#include "mtlsd/base/address.h"
#include "mtlsd/base/hostname.h"
#include "mtlsd/base/ip_range.h"
#include "mtlsd/base/pin.h"
#include "mtlsd/base/spiffe.h"
#include "mtlsd/base/text.h"
#include "mtlsd/base/units.h"
#include "mtlsd/base/url.h"
#include "mtlsd/http/http_cookie.h"
#include "mtlsd/policy/sticky.h"
#include "time_arg.h"

#include <stdlib.h>
#include <string.h>

static bool has_any(struct span s, const char *bytes)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f || strchr(bytes, (char)s.ptr[i]) != NULL)
            return true;
    return false;
}

static void address(const char *text, struct span other)
{
    struct address a, again;
    char out[400];
    (void)other;
    if (address_parse(text, &a, NULL) != 0)
        return;
    address_format(&a, out, sizeof(out));
    assert(address_parse(out, &again, NULL) == 0 && again.kind == a.kind && again.port == a.port);
    assert(strcmp(a.host, again.host) == 0 && strcmp(a.path, again.path) == 0);
    assert(a.kind == ADDRESS_UNIX || !has_any(span_from_str(a.host), "/@?#"));
}

static void range(const char *text, struct span other)
{
    struct ip_range r;
    if (ip_range_parse(text, &r, NULL) != 0)
        return;
    assert((r.n == 4 || r.n == 16) && r.bits <= r.n * 8 && ip_range_holds(&r, span_of(r.bytes, r.n)));
    assert(!ip_range_holds(&r, other) || other.len == r.n);
}

static void pin(const char *text, struct span other)
{
    unsigned char bytes[PIN_SIZE], again[PIN_SIZE];
    char hex[2 * PIN_SIZE + 1];
    (void)other;
    if (pin_parse(text, bytes, NULL) != 0)
        return;
    text_hex(hex, span_of(bytes, sizeof(bytes)));
    assert(pin_parse(hex, again, NULL) == 0 && memcmp(bytes, again, sizeof(bytes)) == 0);
}

static void spiffe(const char *text, struct span other)
{
    struct span id = span_from_str(text);
    bool well = spiffe_is_well_formed(id);
    assert(!well || (spiffe_is_meant(id) && !has_any(span_skip(id, 9), "%?#:@,;=\\") && memmem(id.ptr + 9, id.len - 9, "/../", 4) == NULL));
    assert(!spiffe_is_of_domain(id, other) || (well && spiffe_is_domain(other) && id.len > 9 + other.len + 1 && memcmp(id.ptr + 9, other.ptr, other.len) == 0));
}

static void host(const char *text, struct span other)
{
    struct span pattern = span_from_str(text);
    if (!hostname_matches(pattern, other))
        return;
    struct span name = hostname_without_last_dot(other);
    bool suffix = pattern.len > 2 && pattern.ptr[0] == '*' && pattern.ptr[1] == '.';
    struct span tail = hostname_without_last_dot(span_skip(pattern, suffix ? 1 : 0));
    assert(name.len > 0 && name.len >= tail.len && span_equals_nocase(span_skip(name, name.len - tail.len), tail));
    assert(suffix ? name.len > tail.len : name.len == tail.len);
}

static void url(const char *text, struct span other)
{
    struct span u = span_from_str(text);
    (void)other;
    assert(!url_is_http(u) || (!has_any(u, "@\"<>\\") && span_equals_nocase_str(span_of(u.ptr, 7), "http://") && u.ptr[7] != '/'));
}

static void moment(const char *text, struct span other)
{
    int64_t seconds, again;
    char utc[21];
    (void)other;
    if (time_arg_parse(text, &seconds, NULL) != 0 || seconds > INT64_C(253402300799))
        return;
    text_utc(utc, seconds);
    assert(time_arg_parse(utc, &again, NULL) == 0 && again == seconds);
}

static void amount(const char *text, struct span other)
{
    uint64_t n = 0;
    (void)other;
    assert(units_duration_ms(text, &n, NULL) != 0 || n <= UINT64_C(3650) * 86400000);
    assert(units_size(text, &n, NULL) != 0 || n <= UINT64_C(1) << 50);
}

static void authority(const char *text, struct span other)
{
    struct http_authority a, b;
    if (!http_authority_read(span_from_str(text), &a))
        return;
    assert(a.host.len > 0 && a.port <= 65535 && !has_any(a.host, "@%,/?#\\\"") && http_authority_same(&a, &a, 80));
    if (http_authority_read(other, &b) && http_authority_same(&a, &b, 80))
        assert(span_equals_nocase(a.host, b.host) && http_authority_same(&b, &a, 80));
}

static void cookie(const char *text, struct span other)
{
    static char route[] = "one", second[] = "two.1", name[] = "ID";
    struct config_target targets[2] = {{.route = route}, {.route = second}};
    struct config_upstream up = {.targets = targets, .n_targets = 2, .sticky_cookie = name};
    struct http_field fields[2] = {{span_from_str("Cookie"), span_from_str(text)}, {span_from_str("cookie"), other}};
    struct http_head head = {.request = true, .fields = fields, .n_fields = 2};
    struct span value = http_cookie_find(&head, "ID");
    assert(value.len == 0 || memchr(value.ptr, ';', value.len) == NULL);
    for (int suffix = 0; suffix < 2; suffix++) {
        up.sticky = suffix ? CONFIG_STICKY_SUFFIX : CONFIG_STICKY_INSERT;
        size_t found = sticky_find(&up, value);
        assert(found == SIZE_MAX || memmem(value.ptr, value.len, targets[found].route, strlen(targets[found].route)) != NULL);
    }
    assert(sticky_suffix(value).len < value.len + 1);
}

static void pattern(const char *text, struct span other)
{
    assert(text_glob("**", other, '.'));
    bool hit = text_glob(text, other, '.');
    assert(strchr(text, '*') != NULL || strlen(text) > 512 || hit == span_equals_str(other, text));
    assert(!hit || strstr(text, "**") != NULL || other.len == 0 || memchr(other.ptr, '.', other.len) == NULL || strchr(text, '.') != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static void (*const kinds[])(const char *, struct span) = {address, range, pin, spiffe, host, url, moment, amount, authority, cookie, pattern};
    if (n == 0)
        return 0;
    const uint8_t *end = memchr(bytes, '\n', n);
    size_t len = end != NULL ? (size_t)(end - bytes) : n;
    char *text = span_dup(span_of(bytes + 1, len > 0 ? len - 1 : 0));
    assert(text != NULL);
    kinds[bytes[0] % (sizeof(kinds) / sizeof(kinds[0]))](text, end != NULL ? span_of(end + 1, n - len - 1) : span_of(bytes, 0));
    free(text);
    return 0;
}
