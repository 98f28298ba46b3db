/* SPDX-License-Identifier: Apache-2.0 */
#include "flow.h"

#include <stdio.h>

enum { HEAD_MAX = 512 * 1024 };

struct flow flow_to(struct link *l)
{
    return (struct flow){.link = l};
}

int flow_head(struct flow *f, const struct http_outgoing *o)
{
    struct bytes out;
    bytes_init(&out, HEAD_MAX);
    if (http_guard_write_head(&out, o) != 0) {
        bytes_clear(&out);
        return -1;
    }
    f->chunked = o->framing == HTTP_CHUNKED;
    link_write_take(f->link, &out);
    return 0;
}

static void begin_chunk(struct flow *f, size_t n)
{
    char line[24];
    int len = snprintf(line, sizeof(line), "%zx\r\n", n);
    link_write_copy(f->link, span_of(line, (size_t)len));
}

void flow_data(struct flow *f, struct span data)
{
    if (data.len == 0)
        return; /* an empty chunk would be the last one */
    if (f->chunked)
        begin_chunk(f, data.len);
    link_write_borrow(f->link, data);
    if (f->chunked)
        link_write_copy(f->link, span_of("\r\n", 2));
}

void flow_data_copy(struct flow *f, struct span data)
{
    if (data.len == 0)
        return;
    if (f->chunked)
        begin_chunk(f, data.len);
    link_write_copy(f->link, data);
    if (f->chunked)
        link_write_copy(f->link, span_of("\r\n", 2));
}

void flow_end(struct flow *f, const struct http_head *trailers, const struct http_edit *edit)
{
    struct bytes end;
    if (!f->chunked)
        return;
    f->chunked = false;
    bytes_init(&end, HEAD_MAX);
    if (http_guard_write_last_chunk(&end, trailers, edit) != 0)
        f->link->broken = f->link->lost = true;
    link_write_copy(f->link, bytes_span(&end));
    bytes_clear(&end);
}

size_t flow_pending(const struct flow *f)
{
    return f->link != NULL ? link_pending(f->link) : 0;
}
