/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_answer.h"

#include "mtlsd/base/text.h"

#include <stdio.h>

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

static void add(struct http_answer_value *v, const char *name, struct span value)
{
    if (value.len > 0)
        v->fields[v->head.n_fields++] = (struct http_field){span_from_str(name), value};
}

int http_answer_value(struct http_answer_value *v, const struct http_answer *a)
{
    static const char plain[] = "text/plain; charset=utf-8";
    if (!is_one_line(a->location) || !is_one_line(span_from_str(a->phrase)))
        return -1;
    bool body = a->body.len > 0 && !has_no_body(a);
    *v = (struct http_answer_value){.head = {.minor = 1, .status = a->status, .phrase = span_from_str(a->phrase), .fields = v->fields}};
    http_date_format(v->date, a->now);
    if (a->retry_after > 0)
        snprintf(v->retry_after, sizeof(v->retry_after), "%u", a->retry_after);
    add(v, "Date", span_from_str(v->date));
    add(v, "Cache-Control", span_from_str("no-store"));
    add(v, "Retry-After", span_from_str(v->retry_after));
    add(v, "Location", a->location);
    add(v, "Allow", a->allow);
    add(v, "Content-Type", body ? span_from_str(a->type != NULL ? a->type : plain) : span_of(NULL, 0));
    add(v, "X-Content-Type-Options", span_from_str(body && a->no_sniff ? "nosniff" : NULL));
    snprintf(v->length, sizeof(v->length), "%zu", body ? a->body.len : 0);
    v->body = body && !a->head_only ? a->body : span_of(NULL, 0);
    return 0;
}

static void put_line(struct bytes *out, struct span name, struct span value)
{
    bytes_append_span(out, name);
    bytes_append_str(out, ": ");
    bytes_append_span(out, value);
    bytes_append_str(out, "\r\n");
}

static void put_all(struct bytes *out, const struct http_answer_value *v, const struct http_answer *a)
{
    bytes_append_str(out, "HTTP/1.1 ");
    text_append_number(out, a->status);
    bytes_append_str(out, " ");
    bytes_append_span(out, v->head.phrase);
    bytes_append_str(out, "\r\n");
    for (size_t i = 0; i < v->head.n_fields; i++)
        put_line(out, v->fields[i].name, v->fields[i].value);
    if (!has_no_body(a)) {
        bytes_append_str(out, "Content-Length: ");
        text_append_number(out, a->body.len);
        bytes_append_str(out, "\r\n");
    }
    bytes_append_str(out, a->close ? "Connection: close\r\n\r\n" : "\r\n");
    bytes_append_span(out, v->body);
}

int http_answer_write(struct bytes *out, const struct http_answer *a)
{
    struct http_answer_value v;
    if (http_answer_value(&v, a) != 0)
        return -1;
    struct bytes whole; /* half an answer would be worse than none */
    bytes_init(&whole, out->max);
    put_all(&whole, &v, a);
    return bytes_append_part(out, &whole);
}
