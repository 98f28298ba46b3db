/* SPDX-License-Identifier: Apache-2.0 */
#include "flow.h"

#include <stdio.h>

enum { HEAD_MAX = 512 * 1024 };

struct flow flow_to(struct link *l, struct http2_stream *stream)
{
    return (struct flow){.link = l, .stream = stream};
}

static void lose(struct flow *f)
{
    f->link->broken = f->link->lost = true;
    run_touch(f->link);
}

/* ---- heads ---- */

static int head_http2(struct flow *f, const struct http_outgoing *o, void *user)
{
    run_touch(f->link);
    if (f->stream == NULL)
        f->stream = http2_request(f->link->h2, o, user);
    else if (http2_respond(f->link->h2, f->stream, o) != 0)
        return -1;
    f->open = o->head->request || o->head->status >= 200 ? o->framing != HTTP_NO_BODY && !(o->framing == HTTP_LENGTH && o->length == 0) : f->open;
    return f->stream != NULL ? 0 : -1;
}

int flow_head(struct flow *f, const struct http_outgoing *o, void *user)
{
    struct bytes out;
    if (f->link->h2 != NULL)
        return head_http2(f, o, user);
    bytes_init(&out, HEAD_MAX);
    if (http_guard_write_head(&out, o) != 0) {
        bytes_clear(&out);
        return -1;
    }
    f->open = o->framing == HTTP_CHUNKED;
    link_write_take(f->link, &out);
    return 0;
}

bool flow_head_was_too_large(const struct flow *f)
{
    return f->link->h2 != NULL && http2_head_was_too_large(f->link->h2);
}

static int answer_http2(struct flow *f, const struct http_answer *a)
{
    struct http_answer_value v;
    if (http_answer_value(&v, a) != 0)
        return -1;
    if (a->head_only && a->body.len > 0)
        v.fields[v.head.n_fields++] = (struct http_field){span_from_str("Content-Length"), span_from_str(v.length)};
    const struct http_outgoing o = {.head = &v.head, .framing = v.body.len > 0 ? HTTP_LENGTH : HTTP_NO_BODY, .length = v.body.len};
    if (flow_head(f, &o, NULL) != 0)
        return -1;
    flow_data_copy(f, v.body);
    flow_end(f, NULL, NULL);
    return 0;
}

int flow_answer(struct flow *f, const struct http_answer *a)
{
    struct bytes out;
    if (f->link->h2 != NULL)
        return answer_http2(f, a);
    bytes_init(&out, HEAD_MAX + a->body.len);
    int rc = http_answer_write(&out, a);
    if (rc == 0)
        link_write_take(f->link, &out);
    bytes_clear(&out);
    return rc;
}

/* ---- bodies ---- */

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
    if (f->link->h2 != NULL) {
        run_touch(f->link);
        if (http2_write(f->link->h2, f->stream, data) != 0)
            lose(f);
        return;
    }
    if (f->open)
        begin_chunk(f, data.len);
    link_write_borrow(f->link, data);
    if (f->open)
        link_write_copy(f->link, span_of("\r\n", 2));
}

void flow_data_copy(struct flow *f, struct span data)
{
    flow_data(f, data);
    if (data.len > 0)
        link_settle(f->link);
}

void flow_end(struct flow *f, const struct http_head *trailers, const struct http_edit *edit)
{
    struct bytes end;
    if (!f->open)
        return;
    f->open = false;
    if (f->link->h2 != NULL) {
        run_touch(f->link);
        if (http2_write_end(f->link->h2, f->stream, trailers, edit) != 0)
            lose(f);
        return;
    }
    bytes_init(&end, HEAD_MAX);
    if (http_guard_write_last_chunk(&end, trailers, edit) != 0)
        lose(f);
    link_write_copy(f->link, bytes_span(&end));
    bytes_clear(&end);
}

/* ---- room, and the end ---- */

size_t flow_pending(const struct flow *f)
{
    if (f->link == NULL)
        return 0;
    return f->link->h2 == NULL ? link_pending(f->link) : f->stream != NULL ? http2_pending(f->stream) : 0;
}

void flow_took(struct flow *f, size_t n)
{
    if (f->link == NULL || f->link->h2 == NULL || f->stream == NULL || n == 0)
        return;
    http2_consumed(f->link->h2, f->stream, n);
    run_touch(f->link);
}

void flow_leave(struct flow *f, bool cut)
{
    if (f->link != NULL && f->stream != NULL) {
        run_touch(f->link);
        if (cut)
            http2_reset(f->link->h2, f->stream, f->tunnel ? HTTP2_CANCEL : HTTP2_INTERNAL_ERROR);
        http2_release(f->link->h2, f->stream);
    }
    f->stream = NULL;
    f->link = NULL;
}
