/* SPDX-License-Identifier: Apache-2.0 */
/* C5, C6: no input crashes the session of a server, no cut changes what is read, and each head that is shown is one that both writers write and both readers
 * take back with the same framing. */
#include "fuzz.h"

#include "http2_drive.h"

#include "mtlsd/http/http1.h"
#include "mtlsd/http/http_guard.h"

static void check_fields(const struct http_head *h)
{
    for (size_t i = 0; i < h->n_fields; i++) {
        const struct http_field *f = &h->fields[i];
        assert(f->name.len > 0 && f->name.ptr[0] != ':');
        for (size_t k = 0; k < f->name.len; k++)
            assert(f->name.ptr[k] > ' ' && f->name.ptr[k] < 0x7f && !(f->name.ptr[k] >= 'A' && f->name.ptr[k] <= 'Z'));
        for (size_t k = 0; k < f->value.len; k++)
            assert((f->value.ptr[k] >= ' ' || f->value.ptr[k] == '\t') && f->value.ptr[k] != 0x7f);
    }
}

static void check_http1(const struct http_head *h)
{
    struct http_outgoing o = {.head = h, .framing = h->framing, .length = h->length};
    struct bytes out = {.max = 1 << 20};
    assert(http_guard_write_head(&out, &o) == 0);
    struct http1 *p = http1_new(true, 1 << 20, 200);
    struct span in = bytes_span(&out), data;
    assert(http1_next(p, &in, &data) == HTTP1_HEAD && in.len == 0);
    assert(http1_head(p)->framing == h->framing && http1_head(p)->length == h->length);
    assert(span_equals(http1_head(p)->method, h->method) && span_equals(http1_head(p)->target, h->target));
    http1_free(p);
    bytes_clear(&out);
}

static void check_http2(const struct http_head *h)
{
    struct http2_limits wide = {.max_head_bytes = 1 << 20, .max_fields = 1000};
    struct http2 *client = http2_new(HTTP2_CLIENT, &wide), *server = http2_new(HTTP2_SERVER, &wide);
    struct http_outgoing o = {.head = h, .scheme = h->scheme, .framing = h->framing, .length = h->length};
    struct bytes wire = {.max = 1 << 20};
    struct http2_event e;
    assert(http2_request(client, &o, NULL) != NULL);
    http2_drive_take(client, &wire);
    struct span in = bytes_span(&wire);
    enum http2_kind kind;
    while ((kind = http2_next(server, &in, &e)) == HTTP2_NONE)
        ;
    assert(kind == HTTP2_HEAD && span_equals(e.head->method, h->method) && span_equals(e.head->target, h->target));
    assert(e.head->framing == h->framing || (h->framing == HTTP_LENGTH && h->length == 0));
    assert(e.head->length == h->length && e.head->n_fields <= h->n_fields);
    http2_free(client);
    http2_free(server);
    bytes_clear(&wire);
}

static void check_event(enum http2_kind kind, const struct http2_event *e)
{
    struct http_target t;
    if (e->head == NULL)
        return;
    check_fields(e->head);
    if (kind != HTTP2_HEAD || e->head->protocol.len > 0 || http_guard_request(e->head, &t, NULL) != REASON_VALID || t.form == HTTP_TARGET_AUTHORITY)
        return;
    check_http1(e->head);
    check_http2(e->head);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct span s = span_skip(span_of(bytes, n), 1);
    if (n < 2)
        return 0;
    assert(http2_drive(HTTP2_SERVER, s, s.len, check_event) == http2_drive(HTTP2_SERVER, s, bytes[0] % 32U + 1, NULL));
    http2_drive_back(HTTP2_SERVER, s, bytes[0] * 8U + 1);
    return 0;
}
