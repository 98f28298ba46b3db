/* SPDX-License-Identifier: Apache-2.0 */
/* The writing half of the guard for HTTP/1.1: one reservation large enough for everything, then one pass over the fields. What passes is decided by http_filter.
 */
#include "http_filter.h"

#include <assert.h>
#include <string.h>

/* Status line, framing, Connection and blank line: all that is not a span. */
enum { FIXED_BYTES = 256 };

static uint8_t *put(uint8_t *to, const void *from, size_t n)
{
    memcpy(to, from, n);
    return to + n;
}

static uint8_t *put_span(uint8_t *to, struct span s)
{
    return s.len == 0 ? to : put(to, s.ptr, s.len);
}

static uint8_t *put_str(uint8_t *to, const char *text)
{
    return put(to, text, strlen(text));
}

static uint8_t *put_uint(uint8_t *to, uint64_t n)
{
    uint8_t digits[20];
    size_t i = sizeof(digits);
    do {
        digits[--i] = (uint8_t)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    return put(to, digits + i, sizeof(digits) - i);
}

static uint8_t *put_field(uint8_t *to, const struct http_field *f)
{
    to = put_span(to, f->name);
    *to++ = ':';
    *to++ = ' ';
    to = put_span(to, f->value);
    *to++ = '\r';
    *to++ = '\n';
    return to;
}

static uint8_t *put_own(uint8_t *to, const char *name, struct span value)
{
    to = put_str(to, name);
    to = put_span(to, value);
    return put_str(to, "\r\n");
}

static uint8_t *put_start(uint8_t *to, const struct http_outgoing *o)
{
    const struct http_head *h = o->head;
    if (!h->request) {
        to = put_str(to, "HTTP/1.1 ");
        to = put_uint(to, h->status);
        *to++ = ' ';
        to = put_span(to, h->phrase);
        return put_str(to, "\r\n");
    }
    to = put_span(to, h->method);
    *to++ = ' ';
    to = put_span(to, o->target);
    to = put_str(to, " HTTP/1.1\r\nHost: ");
    to = put_span(to, o->host);
    return put_str(to, "\r\n");
}

static uint8_t *put_framing(uint8_t *to, const struct http_outgoing *o)
{
    if (o->framing == HTTP_LENGTH) {
        to = put_str(to, "Content-Length: ");
        to = put_uint(to, o->length);
        to = put_str(to, "\r\n");
    } else if (o->framing == HTTP_CHUNKED) {
        to = put_str(to, "Transfer-Encoding: chunked\r\n");
    }
    if (o->upgrade.len > 0)
        return put_own(to, "Connection: upgrade\r\nUpgrade: ", o->upgrade);
    if (o->close || o->framing == HTTP_UNTIL_CLOSE)
        return put_str(to, "Connection: close\r\n");
    if (o->wants_trailers)
        return put_str(to, "TE: trailers\r\nConnection: TE\r\n");
    return o->keep_alive ? put_str(to, "Connection: keep-alive\r\n") : to;
}

static int write_head(struct bytes *out, const struct http_outgoing *o)
{
    const struct http_head *h = o->head;
    struct http_filter filter;
    struct http_field added;
    if (http_filter_begin(&filter, o) != 0)
        return -1;
    size_t most = FIXED_BYTES + h->method.len + h->target.len + h->phrase.len + o->target.len + o->host.len + o->added.len + o->upgrade.len + filter.most;
    if (o->blocks != NULL && out->data == NULL && most <= BLOCK_CACHE_BYTES && block_cache_lend(o->blocks, out) != 0)
        return -1;
    uint8_t *start = bytes_reserve(out, most);
    if (start == NULL)
        return -1;

    uint8_t *to = put_start(start, o);
    for (size_t i = 0; i < h->n_fields; i++)
        if (http_filter_keeps(&filter, &h->fields[i]))
            to = put_field(to, &h->fields[i]);
    while (http_filter_next_added(&filter, &added))
        to = put_field(to, &added);
    to = put_framing(to, o);
    to = put_span(to, o->added);
    to = put_str(to, "\r\n");
    assert((size_t)(to - start) <= most);
    bytes_commit(out, (size_t)(to - start));
    return 0;
}

int http_guard_write_head(struct bytes *out, const struct http_outgoing *o)
{
    if (!o->head->request)
        return write_head(out, o);
    struct http_outgoing placed = *o;
    struct bytes joined;
    bytes_init(&joined, o->head->target.len);
    int rc = http_filter_place(&placed, &joined) == 0 ? write_head(out, &placed) : -1;
    bytes_clear(&joined);
    return rc;
}

int http_guard_write_last_chunk(struct bytes *out, const struct http_head *trailers, const struct http_edit *edit)
{
    bytes_append_str(out, "0\r\n");
    for (size_t i = 0; trailers != NULL && i < trailers->n_fields; i++) {
        const struct http_field *f = &trailers->fields[i];
        if (!http_filter_keeps_trailer(edit, f))
            continue;
        uint8_t *to = bytes_reserve(out, f->name.len + f->value.len + 4);
        if (to == NULL)
            return -1;
        bytes_commit(out, (size_t)(put_field(to, f) - to));
    }
    return bytes_append_str(out, "\r\n");
}
