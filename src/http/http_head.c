/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_head.h"

#include <stdlib.h>
#include <string.h>

struct span http_head_find(const struct http_head *h, const char *name)
{
    struct span wanted = span_from_str(name);
    for (size_t i = 0; i < h->n_fields; i++)
        if (span_equals_nocase(h->fields[i].name, wanted))
            return h->fields[i].value;
    return (struct span){NULL, 0};
}

size_t http_head_size(const struct http_head *h)
{
    size_t n = sizeof(*h) + h->n_fields * sizeof(*h->fields) + h->method.len + h->target.len + h->phrase.len + h->scheme.len + h->protocol.len;
    for (size_t i = 0; i < h->n_fields; i++)
        n += h->fields[i].name.len + h->fields[i].value.len;
    return n;
}

static struct span move(uint8_t **to, struct span s)
{
    struct span moved = {*to, s.len};
    if (s.len > 0)
        memcpy(*to, s.ptr, s.len);
    *to += s.len;
    return moved;
}

struct http_head *http_head_copy(const struct http_head *h)
{
    void *room = malloc(http_head_size(h));
    return room != NULL ? http_head_place(h, room) : NULL;
}

struct http_head *http_head_place(const struct http_head *h, void *room)
{
    struct http_head *copy = room;
    *copy = *h;
    copy->fields = (struct http_field *)(copy + 1);
    uint8_t *text = (uint8_t *)(copy->fields + h->n_fields);
    copy->method = move(&text, h->method);
    copy->target = move(&text, h->target);
    copy->phrase = move(&text, h->phrase);
    copy->scheme = move(&text, h->scheme);
    copy->protocol = move(&text, h->protocol);
    for (size_t i = 0; i < h->n_fields; i++)
        copy->fields[i] = (struct http_field){move(&text, h->fields[i].name), move(&text, h->fields[i].value)};
    return copy;
}
