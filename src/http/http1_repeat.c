/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http1_repeat.h"

#include <string.h>

const struct http_head *http1_repeat_find(const struct http1_repeat *r, struct span in, bool no_body, size_t max_bytes, size_t max_fields)
{
    if (!r->known || in.len < r->n || r->no_body != no_body || r->n > max_bytes || r->head.n_fields > max_fields)
        return NULL;
    return memcmp(in.ptr, r->bytes, r->n) == 0 ? &r->head : NULL;
}

static bool is_secret(struct span name)
{
    switch (name.len) { /* most are none by their length */
    case 10:
        return span_equals_nocase_str(name, "Set-Cookie");
    case 11:
        return span_equals_nocase_str(name, "Set-Cookie2");
    case 19:
        return span_equals_nocase_str(name, "Authentication-Info");
    case 25:
        return span_equals_nocase_str(name, "Proxy-Authentication-Info");
    default:
        return false;
    }
}

static bool may_be_kept(struct span block, const struct http_head *head)
{
    if (block.len > HTTP1_REPEAT_BYTES || head->n_fields > HTTP1_REPEAT_FIELDS || head->status == 101 || head->framing == HTTP_CHUNKED)
        return false;
    for (size_t i = 0; i < head->n_fields; i++) {
        if (is_secret(head->fields[i].name))
            return false;
    }
    return true;
}

/* The same place in the copy. */
static struct span moved(const struct http1_repeat *r, struct span block, struct span s)
{
    if (s.len == 0)
        return span_of(s.ptr != NULL ? r->bytes : NULL, 0);
    return span_of(r->bytes + (s.ptr - block.ptr), s.len);
}

static void know(struct http1_repeat *r, struct span block, const struct http_head *head)
{
    r->head = *head;
    r->head.phrase = moved(r, block, head->phrase);
    r->head.fields = r->fields;
    for (size_t i = 0; i < head->n_fields; i++)
        r->fields[i] = (struct http_field){moved(r, block, head->fields[i].name), moved(r, block, head->fields[i].value)};
    r->known = true;
}

void http1_repeat_keep(struct http1_repeat *r, struct span block, const struct http_head *head, bool no_body)
{
    bool again = r->n == block.len && r->no_body == no_body && memcmp(r->bytes, block.ptr, block.len) == 0;
    r->known = false;
    if (!may_be_kept(block, head)) {
        r->n = 0;
    } else if (again) {
        know(r, block, head);
    } else {
        memcpy(r->bytes, block.ptr, block.len);
        r->n = block.len;
        r->no_body = no_body;
    }
}
