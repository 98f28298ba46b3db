/* SPDX-License-Identifier: Apache-2.0 */
/* C1, C2: X-Forwarded-Client-Cert as others sent it, and our element behind it. Whoever reads the line as a list, minding quotes, finds our element last
 * and as it would stand alone; what passes is printable. Line feeds part several fields. */
#include "fuzz.h"

#include "mtlsd/http/http_xfcc.h"

#include <string.h>

enum { MAX_FIELDS = 8 };

static const char name[] = "X-Forwarded-Client-Cert";

/* Where the last element of the list begins. */
static size_t last_element(struct span value)
{
    size_t at = 0;
    bool inside = false;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\\' && inside)
            i++;
        else if (value.ptr[i] == '"')
            inside = !inside;
        else if (value.ptr[i] == ',' && !inside)
            at = i + 1;
    }
    assert(!inside);
    return at;
}

static void append(struct bytes *out, enum http_xfcc_mode mode, const struct http_head *request)
{
    static const struct tls_name names[] = {{TLS_NAME_URI, {(const uint8_t *)"a,b\";c", 6}}, {TLS_NAME_DNS, {(const uint8_t *)"d\\\r\n", 4}}};
    struct tls_verdict verdict = {.status = REASON_VALID};
    struct tls_peer peer = {.subject = "CN=a\\,b \"c\",O=d", .names = names, .n_names = 2};
    memset(peer.sha256, 'a', 64);
    struct http_xfcc how = {.mode = mode, .verdict = &verdict, .peer = &peer};
    *out = (struct bytes){.max = 1 << 20};
    int rc = http_xfcc_append(out, &how, request);
    assert(rc == 0);
    struct span line = bytes_span(out);
    for (size_t i = 0; i + 2 < line.len; i++)
        assert(line.ptr[i] >= 0x20 && line.ptr[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct http_field fields[MAX_FIELDS];
    struct http_head request = {.request = true, .fields = fields};
    struct span rest = span_of(bytes, n);
    while (request.n_fields < MAX_FIELDS && rest.len > 0) {
        const uint8_t *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.ptr) : rest.len;
        fields[request.n_fields++] = (struct http_field){span_from_str(name), span_trim(span_of(rest.ptr, len))};
        rest = span_skip(rest, len + (end != NULL));
    }
    struct bytes alone, both, theirs;
    append(&alone, HTTP_XFCC_SANITIZE_SET, &request);
    append(&both, HTTP_XFCC_APPEND_FORWARD, &request);
    append(&theirs, HTTP_XFCC_FORWARD_ONLY, &request);
    size_t head = strlen(name) + 2;
    struct span ours = span_skip(bytes_span(&alone), head), value = span_skip(bytes_span(&both), head);
    assert(span_equals(span_skip(value, last_element(value)), ours));
    if (theirs.len > 0)
        assert(value.len == theirs.len - head - 2 + 1 + ours.len);
    bytes_clear(&alone);
    bytes_clear(&both);
    bytes_clear(&theirs);
    return 0;
}
