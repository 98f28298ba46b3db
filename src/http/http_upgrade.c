/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_upgrade.h"

#include "http_field.h"
#include "http_name.h"

#define WEBSOCKET "websocket"

static bool names_upgrade(struct span options)
{
    struct span option;
    while (span_next_in_list(&options, &option))
        if (span_equals_nocase_str(option, "upgrade"))
            return true;
    return false;
}

static bool is_upgrade(struct span name)
{
    return name.len == 7 && http_name_equals(name, "upgrade");
}

/* For nearly every message the lengths of its names show that it has none, and nothing further is read. */
static bool has_upgrade(const struct http_head *h)
{
    for (size_t i = 0; i < h->n_fields; i++)
        if (is_upgrade(h->fields[i].name))
            return true;
    return false;
}

/* Content-Length: 0 is no body to any reader; Java's HttpClient sends it with each GET that asks for a WebSocket. */
static bool may_switch(const struct http_head *h)
{
    bool empty = h->framing == HTTP_NO_BODY || (h->framing == HTTP_LENGTH && h->length == 0);
    if (h->minor < 1 || !empty)
        return false;
    return h->request ? span_equals_str(h->method, "GET") : h->status == 101;
}

struct span http_upgrade_wanted(const struct http_head *h)
{
    const struct span none = {NULL, 0};
    unsigned n_protocols = 0;
    bool websocket = false, named = false;
    if (h->http2) /* an extended CONNECT, taken for the GET that it stands for (RFC 8441 section 5) */
        return may_switch(h) && h->request && span_equals_nocase_str(h->protocol, WEBSOCKET) ? span_from_str(WEBSOCKET) : none;
    if (!may_switch(h) || !has_upgrade(h))
        return none;
    for (size_t i = 0; i < h->n_fields; i++) {
        const struct http_field *f = &h->fields[i];
        enum http_field_kind kind = http_field_kind_of(f->name);
        if (kind == HTTP_FIELD_CONNECTION)
            named = named || names_upgrade(f->value);
        bool framed = kind == HTTP_FIELD_CODING || (kind == HTTP_FIELD_LENGTH && !span_equals_str(f->value, "0"));
        if (framed) /* a 101 that would have a body to some readers */
            return none;
        if (kind != HTTP_FIELD_HOP || !is_upgrade(f->name))
            continue;
        n_protocols++;
        websocket = span_equals_nocase_str(f->value, WEBSOCKET);
    }
    return websocket && named && n_protocols == 1 ? span_from_str(WEBSOCKET) : none;
}
