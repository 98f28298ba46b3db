/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_guard.h"
#include "mtlsd/base/text.h"

#include "http_authority.h"
#include "http_bytes.h"
#include "http_field.h"
#include "http_name.h"

#include <string.h>

static enum reason refuse(struct err *err, enum reason reason, const char *why)
{
    (void)err_set(err, ERR_PROTOCOL, "%s", why);
    return reason;
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
        if (t.len < 3 || text_hex_digit(t.ptr[1]) < 0 || text_hex_digit(t.ptr[2]) < 0)
            return "the target holds a '%' without two hex digits";
        if (t.ptr[1] == '0' && t.ptr[2] == '0')
            return "the target holds an encoded NUL";
        t = span_skip(t, 3);
    }
}

struct facts {
    struct span host; /* the value of Host */
    unsigned n_hosts;
    bool odd_expectation;
};

static void gather(struct facts *f, const struct http_head *h)
{
    for (size_t i = 0; i < h->n_fields; i++) {
        const struct http_field *field = &h->fields[i];
        if (http_field_is_host(field->name)) {
            f->host = field->value;
            f->n_hosts++;
        } else if (http_field_is_expect(field->name)) {
            bool known = span_equals_nocase_str(field->value, "100-continue");
            f->odd_expectation = f->odd_expectation || !known;
        }
    }
}

/* One, which HTTP/1.0 may leave out. */
static const char *hosts_refusal(const struct http_head *h, unsigned n_hosts)
{
    if (n_hosts > 1)
        return "more than one Host";
    return n_hosts == 0 && h->minor > 0 ? "no Host" : NULL;
}

/* A target that names a host names the same one as Host, or two readers would send it to two places (RFC 9112
 * section 3.2.2). */
static const char *other_host_refusal(const struct http_target *t, const struct facts *f)
{
    struct http_authority host, named = {.host = t->host, .port = t->port};
    bool names_host = t->form == HTTP_TARGET_ABSOLUTE || t->form == HTTP_TARGET_AUTHORITY;
    if (!names_host || f->n_hosts == 0)
        return NULL;
    if (!http_authority_read(f->host, &host))
        return "Host is not a host name or address with an optional port";
    unsigned usual =
        t->form == HTTP_TARGET_AUTHORITY ? t->port : 80; /* some clients say Host without a port to CONNECT */
    return http_authority_same(&named, &host, usual) ? NULL : "Host is not the host that the target names";
}

/* 1 with *hops, 0 when it does not count, -1 for what is no number. */
static int read_max_forwards(const struct http_head *h, unsigned *hops)
{
    if (!span_equals_str(h->method, "OPTIONS"))
        return 0;
    bool found = false;
    for (size_t i = 0; i < h->n_fields; i++) {
        if (!http_name_equals(h->fields[i].name, "max-forwards"))
            continue;
        struct span digits = h->fields[i].value;
        if (found || digits.len == 0 || digits.len > 9)
            return -1;
        found = true;
        *hops = 0;
        for (size_t k = 0; k < digits.len; k++) {
            if (digits.ptr[k] < '0' || digits.ptr[k] > '9')
                return -1;
            *hops = *hops * 10 + (unsigned)(digits.ptr[k] - '0');
        }
    }
    return found ? 1 : 0;
}

bool http_guard_max_forwards(const struct http_head *h, unsigned *hops)
{
    return read_max_forwards(h, hops) == 1;
}

enum reason http_guard_request(const struct http_head *h, struct http_target *target, struct err *err)
{
    struct facts f = {.n_hosts = 0};
    unsigned hops;
    if (span_equals_str(h->method, "TRACE")) /* it would echo our identity headers to the client */
        return refuse(err, REASON_METHOD_UNKNOWN, "TRACE is not served here");
    gather(&f, h);
    const char *why = target_refusal(h->target);
    if (why == NULL)
        why = hosts_refusal(h, f.n_hosts);
    if (why == NULL && http_target_read(h, target, err) != 0)
        return REASON_REQUEST_MALFORMED;
    if (why == NULL)
        why = other_host_refusal(target, &f);
    if (why != NULL)
        return refuse(err, REASON_REQUEST_MALFORMED, why);
    if (f.odd_expectation && h->minor > 0) /* RFC 9110 section 10.1.1: HTTP/1.0 knows no expectations */
        return refuse(err, REASON_EXPECTATION_FAILED, "Expect is not 100-continue");
    if (read_max_forwards(h, &hops) < 0)
        return refuse(err, REASON_REQUEST_MALFORMED, "Max-Forwards is not a number of at most nine digits");
    return REASON_VALID;
}

bool http_guard_may_have_destination(struct span method)
{
    static const char *const without[] = {"POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "CONNECT"};
    if (method.len == 3 && memcmp(method.ptr, "GET", 3) == 0) /* asked of every request, and most are one */
        return false;
    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
        if (span_equals_str(method, without[i]))
            return false;
    return true;
}

enum reason http_guard_destination(const struct http_head *h, struct http_target *target, struct err *err)
{
    struct span value = span_of(NULL, 0);
    unsigned n = 0;
    for (size_t i = 0; i < h->n_fields; i++) {
        if (!http_name_equals(h->fields[i].name, "destination"))
            continue;
        value = h->fields[i].value;
        n++;
    }
    const char *why = n != 1 ? "there is more than one" : target_refusal(value);
    if (why != NULL)
        return refuse(err, REASON_REQUEST_MALFORMED, why);
    return http_target_read_reference(value, target, err) == 0 ? REASON_VALID : REASON_REQUEST_MALFORMED;
}
