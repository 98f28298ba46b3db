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

static void put_all(struct bytes *out, const struct http_answer *a)
{
    char date[HTTP_DATE_SIZE];
    http_date_format(date, a->now);
    bytes_printf(out, "HTTP/1.1 %u %s\r\nDate: %s\r\nCache-Control: no-store\r\n", a->status, a->phrase != NULL ? a->phrase : "", date);
    if (a->retry_after > 0)
        bytes_printf(out, "Retry-After: %u\r\n", a->retry_after);
    if (a->location.len > 0) {
        bytes_append_str(out, "Location: ");
        bytes_append_span(out, a->location);
        bytes_append_str(out, "\r\n");
    }
    if (a->body.len > 0 && !has_no_body(a))
        bytes_printf(out, "Content-Type: %s\r\n", a->type != NULL ? a->type : "text/plain; charset=utf-8");
    if (!has_no_body(a))
        bytes_printf(out, "Content-Length: %zu\r\n", a->body.len);
    bytes_append_str(out, a->close ? "Connection: close\r\n\r\n" : "\r\n");
    if (!a->head_only && !has_no_body(a))
        bytes_append_span(out, a->body);
}

int http_answer_write(struct bytes *out, const struct http_answer *a)
{
    if (!is_one_line(a->location) || !is_one_line(span_from_str(a->phrase)))
        return -1;
    struct bytes whole; /* half an answer would be worse than none */
    bytes_init(&whole, out->max);
    put_all(&whole, a);
    return bytes_append_part(out, &whole);
}
