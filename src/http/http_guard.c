/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_guard.h"

#include "http_bytes.h"
#include "http_field.h"

static enum reason refuse(struct err *err, enum reason reason, const char *why)
{
    (void)err_set(err, ERR_PROTOCOL, "%s", why);
    return reason;
}

static bool is_hex(uint8_t c)
{
    uint8_t letter = c | 0x20;
    return (c >= '0' && c <= '9') || (letter >= 'a' && letter <= 'f');
}

/* C9: what passes is forwarded byte for byte. */
static const char *target_refusal(struct span t)
{
    for (;;) {
        t = span_skip(t, http_bytes_run(t, HTTP_BYTES_TARGET));
        if (t.len == 0)
            return NULL;
        if (t.ptr[0] == '#')
            return "the target holds a '#': a fragment is never sent";
        if (t.ptr[0] != '%')
            return "the target holds a byte that is not printable ASCII";
        if (t.len < 3 || !is_hex(t.ptr[1]) || !is_hex(t.ptr[2]))
            return "the target holds a '%' without two hex digits";
        if (t.ptr[1] == '0' && t.ptr[2] == '0')
            return "the target holds an encoded NUL";
        t = span_skip(t, 3);
    }
}

static bool is_port(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len <= 5;
}

/* uri-host [":" port], RFC 9110 section 7.2; a comma is refused too, because it joins two Host lines into
 * one. */
static bool is_host(struct span s)
{
    size_t i = 0;
    if (s.len > 0 && s.ptr[0] == '[') {
        for (i = 1; i < s.len && (is_hex(s.ptr[i]) || s.ptr[i] == ':' || s.ptr[i] == '.'); i++)
            continue;
        if (i < 3 || i == s.len || s.ptr[i] != ']')
            return false;
        i++;
    } else {
        i = http_bytes_run(s, HTTP_BYTES_HOST);
        if (i == 0)
            return false;
    }
    return i == s.len || (s.ptr[i] == ':' && is_port(span_skip(s, i + 1)));
}

static const char *host_refusal(const struct http_head *h)
{
    const struct http_field *host = NULL;
    for (size_t i = 0; i < h->n_fields; i++) {
        if (!http_field_is_host(h->fields[i].name))
            continue;
        if (host != NULL)
            return "more than one Host";
        host = &h->fields[i];
    }
    if (host == NULL)
        return h->minor == 0 ? NULL : "no Host";
    return is_host(host->value) ? NULL : "Host is not a host name or address with an optional port";
}

enum reason http_guard_request(const struct http_head *h, struct err *err)
{
    if (span_equals_str(h->method, "CONNECT"))
        return refuse(err, REASON_METHOD_UNKNOWN, "CONNECT is not served here");
    if (span_equals_str(h->method, "TRACE")) /* it would echo the identity we add to whoever asks */
        return refuse(err, REASON_METHOD_UNKNOWN, "TRACE is not served here");
    bool asterisk = span_equals_str(h->target, "*") && span_equals_str(h->method, "OPTIONS");
    if (!asterisk && (h->target.len == 0 || h->target.ptr[0] != '/'))
        return refuse(err, REASON_REQUEST_MALFORMED, "the target is not a path: this is not a forward proxy");
    const char *why = target_refusal(h->target);
    if (why == NULL)
        why = host_refusal(h);
    return why == NULL ? REASON_VALID : refuse(err, REASON_REQUEST_MALFORMED, why);
}
