/* SPDX-License-Identifier: Apache-2.0 */
/* Which fields of a head go on to the other side, and which are added: one filter for the writers of HTTP/1.1 and of HTTP/2. */
#ifndef MTLSD_HTTP_HTTP_FILTER_H
#define MTLSD_HTTP_HTTP_FILTER_H

#include "http_field.h"
#include "http_framing.h"
#include "mtlsd/http/http_guard.h"

struct http_filter {
    const struct http_outgoing *o;
    size_t most; /* bytes of all names and values that can pass or be added, and 4 for each field */
    bool changes; /* to the peer's fields */
    bool asks;    /* not every plain field passes */
    const struct http_edit *edit; /* where http_filter_next_added is */
    size_t at;
    unsigned step;
    char digits[12];
    size_t n_named;
    struct span named[HTTP_FRAMING_MAX_OPTIONS]; /* the fields that Connection names */
};

/* -1: an edit that would break the head. */
MUST_CHECK int http_filter_begin(struct http_filter *f, const struct http_outgoing *o);
/* The peer's field goes on. */
bool http_filter_asks(const struct http_filter *f, const struct http_field *field, enum http_field_kind kind);
static inline bool http_filter_keeps(const struct http_filter *f, const struct http_field *field)
{
    enum http_field_kind kind = http_field_kind_of(field->name);
    return (kind == HTTP_FIELD_PLAIN && !f->asks) || http_filter_asks(f, field, kind); /* most are plain, and most heads pass unchanged */
}
/* The next field that the caller adds; false: no other. Framing and o->added are the writer's. */
bool http_filter_next_added(struct http_filter *f, struct http_field *field);
bool http_filter_keeps_trailer(const struct http_edit *edit, const struct http_field *field);

/* Fills in where o leaves it to the head: the host, and the target in origin form. *joined keeps a target that had to be put together; the caller clears it.
 * -1: it cannot be written as a path, or no memory. */
MUST_CHECK int http_filter_place(struct http_outgoing *o, struct bytes *joined);

#endif
