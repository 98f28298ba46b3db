/* SPDX-License-Identifier: Apache-2.0 */
/* C5, C6: the same for the session of a client, of which three requests are under way, one of them HEAD. */
#include "fuzz.h"

#include "http2_drive.h"

#include "mtlsd/http/http1.h"
#include "mtlsd/http/http_guard.h"

static void check_event(enum http2_kind kind, const struct http2_event *e)
{
    if (kind != HTTP2_HEAD)
        return;
    assert(e->head->status >= 200 && e->head->status < 600);
    struct http_outgoing o = {.head = e->head, .framing = e->head->framing, .length = e->head->length};
    struct bytes out = {.max = 1 << 20};
    assert(http_guard_write_head(&out, &o) == 0);
    struct http1 *p = http1_new(false, 1 << 20, 200);
    if (e->head->framing == HTTP_NO_BODY)
        http1_expect_no_body(p);
    struct span in = bytes_span(&out), data;
    assert(http1_next(p, &in, &data) == HTTP1_HEAD && in.len == 0);
    assert(http1_head(p)->framing == e->head->framing && http1_head(p)->length == e->head->length && http1_head(p)->status == e->head->status);
    http1_free(p);
    bytes_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct span s = span_skip(span_of(bytes, n), 1);
    if (n < 2)
        return 0;
    assert(http2_drive(HTTP2_CLIENT, s, s.len, check_event) == http2_drive(HTTP2_CLIENT, s, bytes[0] % 32U + 1, NULL));
    http2_drive_back(HTTP2_CLIENT, s, bytes[0] * 8U + 1);
    return 0;
}
