/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_answer.h"

#include "mtlsd/http/http_date.h"

static bool is_one_line(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return false;
    return true;
}

static bool has_no_body(const struct http_answer *a)
{
    return a->tunnel || a->status < 200 || a->status == 204 || a->status == 304;
}

static int put_location(struct bytes *out, struct span location)
{
    if (location.len == 0)
        return 0;
    if (bytes_append_str(out, "Location: ") != 0 || bytes_append_span(out, location) != 0)
        return -1;
    return bytes_append_str(out, "\r\n");
}

static int put_body_fields(struct bytes *out, const struct http_answer *a)
{
    if (has_no_body(a))
        return 0;
    const char *type = a->type != NULL ? a->type : "text/plain; charset=utf-8";
    if (a->body.len > 0 && bytes_printf(out, "Content-Type: %s\r\n", type) != 0)
        return -1;
    return bytes_printf(out, "Content-Length: %zu\r\n", a->body.len);
}

static int put_all(struct bytes *out, const struct http_answer *a)
{
    char date[HTTP_DATE_SIZE];
    http_date_format(date, a->now);
    if (bytes_printf(out, "HTTP/1.1 %u %s\r\nDate: %s\r\nCache-Control: no-store\r\n", a->status,
                     a->phrase != NULL ? a->phrase : "", date) != 0)
        return -1;
    if (a->retry_after > 0 && bytes_printf(out, "Retry-After: %u\r\n", a->retry_after) != 0)
        return -1;
    if (put_location(out, a->location) != 0 || put_body_fields(out, a) != 0)
        return -1;
    if (bytes_append_str(out, a->close ? "Connection: close\r\n\r\n" : "\r\n") != 0)
        return -1;
    return a->head_only || has_no_body(a) ? 0 : bytes_append_span(out, a->body);
}

int http_answer_write(struct bytes *out, const struct http_answer *a)
{
    if (!is_one_line(a->location) || !is_one_line(span_from_str(a->phrase)))
        return -1;
    struct bytes whole; /* half an answer would be worse than none */
    bytes_init(&whole, out->max);
    int rc = put_all(&whole, a);
    if (rc == 0)
        rc = bytes_append_span(out, bytes_span(&whole));
    bytes_clear(&whole);
    return rc;
}
