/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_answer.h"

#include "mtlsd/base/text.h"
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

static void put_field(struct bytes *out, const char *name, struct span value)
{
    bytes_append_str(out, name);
    bytes_append_span(out, value);
    bytes_append_str(out, "\r\n");
}

static void put_number(struct bytes *out, const char *name, uint64_t value)
{
    bytes_append_str(out, name);
    text_append_number(out, value);
    bytes_append_str(out, "\r\n");
}

static void put_status_line(struct bytes *out, const struct http_answer *a)
{
    bytes_append_str(out, "HTTP/1.1 ");
    text_append_number(out, a->status);
    put_field(out, " ", span_from_str(a->phrase));
}

static void put_all(struct bytes *out, const struct http_answer *a)
{
    char date[HTTP_DATE_SIZE];
    http_date_format(date, a->now);
    put_status_line(out, a);
    put_field(out, "Date: ", span_from_str(date));
    bytes_append_str(out, "Cache-Control: no-store\r\n");
    if (a->retry_after > 0)
        put_number(out, "Retry-After: ", a->retry_after);
    if (a->location.len > 0)
        put_field(out, "Location: ", a->location);
    if (a->body.len > 0 && !has_no_body(a))
        put_field(out, "Content-Type: ", span_from_str(a->type != NULL ? a->type : "text/plain; charset=utf-8"));
    if (!has_no_body(a))
        put_number(out, "Content-Length: ", a->body.len);
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
