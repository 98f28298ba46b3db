/* SPDX-License-Identifier: Apache-2.0 */
#include "http_filter.h"

#include "http_bytes.h"
#include "http_field.h"
#include "http_name.h"
#include "mtlsd/http/http_target.h"

#include <stdio.h>
#include <string.h>

/* http_framing refused heads with more options than fit; a name too many is then only in a head of our own
 * making. */
static void read_named(struct http_filter *f, struct span value)
{
    struct span option;
    while (f->n_named < HTTP_FRAMING_MAX_OPTIONS && span_next_in_list(&value, &option))
        if (!span_equals_nocase_str(option, "close") && !span_equals_nocase_str(option, "keep-alive"))
            f->named[f->n_named++] = option;
}

static bool is_named(const struct http_filter *f, struct span name)
{
    for (size_t i = 0; i < f->n_named; i++)
        if (span_equals_nocase(f->named[i], name))
            return true;
    return false;
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

static bool passes(const struct http_outgoing *o, const struct http_field *f, enum http_field_kind kind)
{
    switch (kind) {
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
    return o->n_replaced > 0;
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

static bool names_field(const struct http_head *h, struct span name)
{
    for (size_t i = 0; i < h->n_fields; i++)
        if (http_name_same(h->fields[i].name, name))
            return true;
    return false;
}

static bool names_date(const struct http_head *h)
{
    for (size_t i = 0; i < h->n_fields; i++)
        if (http_field_is_date(h->fields[i].name))
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

/* ---- the whole ---- */

/* The most bytes the fields can take; gathers what Connection names on the way. */
static size_t measure(struct http_filter *f, const struct http_head *h)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n_fields; i++) {
        const struct http_field *field = &h->fields[i];
        n += field->name.len + field->value.len + 4;
        if (!h->plain_connection && field->name.len == strlen("connection") && http_field_kind_of(field->name) == HTTP_FIELD_CONNECTION)
            read_named(f, field->value);
    }
    return n;
}

static size_t measure_changes(const struct http_outgoing *o)
{
    enum { NAMES = 32 + 12 }; /* Date, Via, Max-Forwards and its number */
    size_t n = o->date.len + o->via.len + NAMES;
    for (size_t i = 0; i < o->n_replaced; i++)
        n += o->replaced[i].name.len + o->replaced[i].value.len + 4;
    for (const struct http_edit *edit = o->edit; edit != NULL; edit = edit->next)
        for (size_t i = 0; i < edit->n_set; i++)
            n += edit->set[i].name.len + edit->set[i].value.len + 4;
    return n;
}

int http_filter_begin(struct http_filter *f, const struct http_outgoing *o)
{
    f->o = o;
    f->n_named = 0;
    f->step = 0;
    f->at = 0;
    f->edit = o->edit;
    f->changes = has_changes(o);
    if (f->changes && !is_sound(o->edit))
        return -1;
    f->most = measure(f, o->head) + measure_changes(o);
    f->asks = f->changes || f->n_named > 0;
    return 0;
}

bool http_filter_asks(const struct http_filter *f, const struct http_field *field, enum http_field_kind kind)
{
    if (kind != HTTP_FIELD_PLAIN && !passes(f->o, field, kind))
        return false;
    return !(f->n_named > 0 && is_named(f, field->name)) && !(f->changes && is_replaced(f->o, field->name));
}

bool http_filter_keeps_trailer(const struct http_edit *edit, const struct http_field *field)
{
    return http_field_may_trail(field->name) && !is_edited(edit, field->name);
}

/* ---- what is added, one after the other ---- */

static bool next_edit(struct http_filter *f, struct http_field *field)
{
    for (; f->edit != NULL; f->edit = f->edit->next, f->at = 0) {
        while (f->at < f->edit->n_set) {
            *field = f->edit->set[f->at++];
            if (field->value.ptr != NULL && may_set(field) && !is_set_before(f->o->edit, f->edit, field->name))
                return true;
        }
    }
    return false;
}

static bool next_replaced(struct http_filter *f, struct http_field *field)
{
    while (f->at < f->o->n_replaced) {
        *field = f->o->replaced[f->at++];
        if (names_field(f->o->head, field->name))
            return true;
    }
    return false;
}

static bool give(struct http_field *field, const char *name, struct span value)
{
    *field = (struct http_field){span_from_str(name), value};
    return true;
}

static bool max_forwards(struct http_filter *f, struct http_field *field)
{
    int n = snprintf(f->digits, sizeof(f->digits), "%u", f->o->max_forwards);
    return give(field, "Max-Forwards", span_of(f->digits, (size_t)n));
}

enum { STEP_LIST, STEP_ONE, STEP_VIA, STEP_END };

bool http_filter_next_added(struct http_filter *f, struct http_field *field)
{
    const struct http_outgoing *o = f->o;
    bool request = o->head->request;
    if (f->step == STEP_LIST) {
        if (f->changes && (request ? next_edit(f, field) : next_replaced(f, field)))
            return true;
        f->step = STEP_ONE;
    }
    if (f->step == STEP_ONE) {
        f->step = STEP_VIA;
        if (request && o->has_max_forwards)
            return max_forwards(f, field);
        if (!request && o->date.len > 0 && !names_date(o->head))
            return give(field, "Date", o->date);
    }
    if (f->step == STEP_VIA) {
        f->step = STEP_END;
        if (o->via.len > 0)
            return give(field, "Via", o->via);
    }
    return false;
}

/* ---- where a request goes ---- */

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
static int place_absolute(struct http_outgoing *o, struct bytes *joined)
{
    struct http_target t;
    if (http_target_read(o->head, &t, NULL) != 0 || t.form != HTTP_TARGET_ABSOLUTE)
        return -1;
    o->target = t.path.len > 0 ? t.path : span_from_str("*");
    if (t.query.len == 0)
        return 0;
    if (bytes_append_span(joined, t.path) != 0 || bytes_append_span(joined, t.query) != 0)
        return -1;
    o->target = bytes_span(joined);
    return 0;
}

int http_filter_place(struct http_outgoing *o, struct bytes *joined)
{
    if (o->host.len == 0)
        o->host = host_of(o->head);
    if (o->target.len > 0)
        return 0;
    if (!is_path(o->head->target))
        return place_absolute(o, joined);
    o->target = o->head->target;
    return 0;
}
