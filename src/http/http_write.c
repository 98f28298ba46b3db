/* SPDX-License-Identifier: Apache-2.0 */
/* The writing half of the guard: one reservation large enough for everything, then one pass over the fields.
 */
#include "http_bytes.h"
#include "http_field.h"
#include "http_framing.h"
#include "http_name.h"
#include "mtlsd/http/http_guard.h"
#include "mtlsd/http/http_target.h"

#include <assert.h>
#include <string.h>

/* Status line, framing, Connection, names of fields of ours and blank line: all that is not a span. */
enum { FIXED_BYTES = 256 };

struct named { /* the fields that Connection names */
    struct span names[HTTP_FRAMING_MAX_OPTIONS];
    size_t n;
};

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

/* http_framing refused heads with more options than fit; a name too many is then only in a head of our own
 * making. */
static void read_named(struct named *named, struct span value)
{
    struct span option;
    while (named->n < HTTP_FRAMING_MAX_OPTIONS && span_next_in_list(&value, &option))
        if (!span_equals_nocase_str(option, "close") && !span_equals_nocase_str(option, "keep-alive"))
            named->names[named->n++] = option;
}

static bool is_named(const struct named *named, struct span name)
{
    for (size_t i = 0; i < named->n; i++)
        if (span_equals_nocase(named->names[i], name))
            return true;
    return false;
}

/* The most bytes the fields can take; gathers what Connection names on the way. */
static size_t measure(const struct http_head *h, struct named *named)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n_fields; i++) {
        const struct http_field *f = &h->fields[i];
        n += f->name.len + f->value.len + 4;
        if (f->name.len == strlen("connection") && http_field_kind_of(f->name) == HTTP_FIELD_CONNECTION)
            read_named(named, f->value);
    }
    return n;
}

static bool keeps_length(const struct http_outgoing *o)
{
    /* the length that GET would have had; RFC 9110 section 8.6 forbids it in 1xx and 204 */
    const struct http_head *h = o->head;
    return !h->request && o->framing == HTTP_NO_BODY && h->status >= 200 && h->status != 204;
}

static bool names_other_host(const struct http_outgoing *o, const struct http_field *f)
{
    return o->drop_other_hosts && http_guard_names_other_host(f, o->asked_host);
}

static bool passes(const struct http_outgoing *o, const struct http_field *f)
{
    switch (http_field_kind_of(f->name)) {
    case HTTP_FIELD_PLAIN:
        return true;
    case HTTP_FIELD_HOST:
    case HTTP_FIELD_OWNED:
        return !o->head->request;
    case HTTP_FIELD_FORWARDED:
        return !o->head->request || !(o->drop_forwarded || names_other_host(o, f));
    case HTTP_FIELD_OTHER_HOST:
        return !o->head->request || !names_other_host(o, f);
    case HTTP_FIELD_OVERRIDE:
        return !o->head->request || !o->drop_overrides;
    case HTTP_FIELD_TRAILER:
        return o->trailers;
    case HTTP_FIELD_PROXY:
        return !o->head->request || o->head->target.len == 0 || o->head->target.ptr[0] == '/';
    case HTTP_FIELD_LENGTH:
        return keeps_length(o);
    case HTTP_FIELD_CODING:
    case HTTP_FIELD_CONNECTION:
    case HTTP_FIELD_HOP:
        break;
    }
    return false;
}

/* ---- what the caller changes: asked for once, so that a head with no changes pays nothing ---- */

static bool has_changes(const struct http_outgoing *o)
{
    if (o->head->request)
        return o->edit != NULL || o->has_max_forwards || o->head->minor == 0;
    return o->n_replaced > 0 || o->date.len > 0;
}

static bool may_set(const struct http_field *f)
{
    enum http_field_kind kind = http_field_kind_of(f->name);
    return kind == HTTP_FIELD_PLAIN || kind == HTTP_FIELD_FORWARDED || kind == HTTP_FIELD_OVERRIDE || kind == HTTP_FIELD_OTHER_HOST ||
           kind == HTTP_FIELD_PROXY;
}

/* The configuration's words, which must not end a line either. */
static bool is_value(struct span value)
{
    for (size_t k = 0; k < value.len; k++)
        if ((value.ptr[k] < 0x20 && value.ptr[k] != '\t') || value.ptr[k] == 0x7f)
            return false;
    return true;
}

static bool is_sound(const struct http_edit *edit)
{
    for (; edit != NULL; edit = edit->next)
        for (size_t i = 0; i < edit->n_set; i++)
            if (!http_bytes_is_token(edit->set[i].name) || !is_value(edit->set[i].value))
                return false;
    return true;
}

static bool gets_other_value(const struct http_outgoing *o, struct span name)
{
    for (size_t i = 0; i < o->n_replaced; i++)
        if (http_name_same(o->replaced[i].name, name))
            return true;
    return false;
}

static bool sets(const struct http_edit *edit, struct span name)
{
    for (size_t i = 0; i < edit->n_set; i++)
        if (http_name_same(edit->set[i].name, name))
            return true;
    return false;
}

static bool is_edited(const struct http_edit *edit, struct span name)
{
    for (; edit != NULL; edit = edit->next) {
        if (sets(edit, name))
            return true;
        for (size_t i = 0; i < edit->n_remove; i++)
            if (http_name_same(edit->remove[i], name))
                return true;
    }
    return false;
}

/* The peer's field gives way to one of ours, or to none. */
static bool is_replaced(const struct http_outgoing *o, struct span name)
{
    if (!o->head->request)
        return gets_other_value(o, name);
    if (o->has_max_forwards && http_name_equals(name, "max-forwards"))
        return true;
    /* it was not meant for HTTP/1.1 servers (RFC 9110 section 10.1.1) */
    if (o->head->minor == 0 && http_field_is_expect(name))
        return true;
    return is_edited(o->edit, name);
}

static size_t measure_changes(const struct http_outgoing *o)
{
    size_t n = o->date.len + o->upgrade.len + o->via.len;
    for (size_t i = 0; i < o->n_replaced; i++)
        n += o->replaced[i].name.len + o->replaced[i].value.len + 4;
    for (const struct http_edit *edit = o->edit; edit != NULL; edit = edit->next)
        for (size_t i = 0; i < edit->n_set; i++)
            n += edit->set[i].name.len + edit->set[i].value.len + 4;
    return n;
}

static uint8_t *put_own(uint8_t *to, const char *name, struct span value)
{
    to = put_str(to, name);
    to = put_span(to, value);
    return put_str(to, "\r\n");
}

static bool names_field(const struct http_head *h, struct span name)
{
    for (size_t i = 0; i < h->n_fields; i++)
        if (http_name_same(h->fields[i].name, name))
            return true;
    return false;
}

static bool is_set_before(const struct http_edit *first, const struct http_edit *edit, struct span name)
{
    for (; first != edit; first = first->next)
        if (sets(first, name))
            return true;
    return false;
}

static uint8_t *put_edits(uint8_t *to, const struct http_edit *first)
{
    for (const struct http_edit *edit = first; edit != NULL; edit = edit->next)
        for (size_t i = 0; i < edit->n_set; i++)
            if (may_set(&edit->set[i]) && !is_set_before(first, edit, edit->set[i].name))
                to = put_field(to, &edit->set[i]);
    return to;
}

static uint8_t *put_changes(uint8_t *to, const struct http_outgoing *o)
{
    const struct http_head *h = o->head;
    if (!h->request) {
        for (size_t i = 0; i < o->n_replaced; i++)
            if (names_field(h, o->replaced[i].name))
                to = put_field(to, &o->replaced[i]);
        return o->date.len > 0 && !names_field(h, span_from_str("date")) ? put_own(to, "Date: ", o->date) : to;
    }
    to = put_edits(to, o->edit);
    if (!o->has_max_forwards)
        return to;
    to = put_uint(put_str(to, "Max-Forwards: "), o->max_forwards);
    return put_str(to, "\r\n");
}

/* ---- the whole ---- */

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
    to = put_span(to, o->target.len > 0 ? o->target : h->target);
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
    struct named named;
    named.n = 0;
    bool changes = has_changes(o);
    if (changes && !is_sound(o->edit))
        return -1;
    size_t most = FIXED_BYTES + h->method.len + h->target.len + h->phrase.len + o->target.len + o->host.len +
                  o->added.len;
    most += measure(h, &named) + measure_changes(o);
    uint8_t *start = bytes_reserve(out, most);
    if (start == NULL)
        return -1;

    uint8_t *to = put_start(start, o);
    for (size_t i = 0; i < h->n_fields; i++) {
        const struct http_field *f = &h->fields[i];
        if (!passes(o, f) || (named.n > 0 && is_named(&named, f->name)) || (changes && is_replaced(o, f->name)))
            continue;
        to = put_field(to, f);
    }
    if (changes)
        to = put_changes(to, o);
    if (o->via.len > 0)
        to = put_own(to, "Via: ", o->via);
    to = put_framing(to, o);
    to = put_span(to, o->added);
    to = put_str(to, "\r\n");
    assert((size_t)(to - start) <= most);
    bytes_commit(out, (size_t)(to - start));
    return 0;
}

/* Doubled ones were refused by http_guard_request; none is what HTTP/1.0 may do, and then an absolute target says it. */
static struct span host_of(const struct http_head *h)
{
    struct http_target t;
    for (size_t i = 0; i < h->n_fields; i++)
        if (http_field_is_host(h->fields[i].name))
            return h->fields[i].value;
    return http_target_read(h, &t, NULL) == 0 ? t.authority : (struct span){NULL, 0};
}

static bool is_path(struct span target)
{
    return target.len > 0 && (target.ptr[0] == '/' || span_equals_str(target, "*"));
}

/* An absolute target is never written as one: the next server is no proxy (RFC 9112 section 3.2.1). */
static int write_absolute(struct bytes *out, struct http_outgoing *o)
{
    struct http_target t;
    if (http_target_read(o->head, &t, NULL) != 0 || t.form != HTTP_TARGET_ABSOLUTE)
        return -1;
    o->target = t.path.len > 0 ? t.path : span_from_str("*");
    if (t.query.len == 0)
        return write_head(out, o);
    struct bytes target;
    bytes_init(&target, o->head->target.len);
    int rc = -1;
    if (bytes_append_span(&target, t.path) == 0 && bytes_append_span(&target, t.query) == 0) {
        o->target = bytes_span(&target);
        rc = write_head(out, o);
    }
    bytes_clear(&target);
    return rc;
}

int http_guard_write_head(struct bytes *out, const struct http_outgoing *o)
{
    bool has_target = !o->head->request || o->target.len > 0 || is_path(o->head->target);
    if (has_target && (!o->head->request || o->host.len > 0))
        return write_head(out, o);
    struct http_outgoing kept = *o;
    if (kept.host.len == 0)
        kept.host = host_of(o->head);
    return has_target ? write_head(out, &kept) : write_absolute(out, &kept);
}

int http_guard_write_last_chunk(struct bytes *out, const struct http_head *trailers, const struct http_edit *edit)
{
    bytes_append_str(out, "0\r\n");
    for (size_t i = 0; trailers != NULL && i < trailers->n_fields; i++) {
        const struct http_field *f = &trailers->fields[i];
        if (!http_field_may_trail(f->name) || is_edited(edit, f->name))
            continue;
        uint8_t *to = bytes_reserve(out, f->name.len + f->value.len + 4);
        if (to == NULL)
            return -1;
        bytes_commit(out, (size_t)(put_field(to, f) - to));
    }
    return bytes_append_str(out, "\r\n");
}
