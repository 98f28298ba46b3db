/* SPDX-License-Identifier: Apache-2.0 */
/* C3: no input crashes the reader, no cut changes what is read, what is written is read back with the same
 * framing. */
#include "mtlsd/http/http1.h"
#include "mtlsd/http/http_guard.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_rewritten(const struct http_head *h)
{
    struct http_outgoing o = {.head = h, .framing = h->framing, .length = h->length};
    struct bytes out = {.max = 1 << 20};
    assert(http_guard_write_head(&out, &o) == 0);
    struct http1 *p = http1_new(h->request, 1 << 20, 200);
    if (!h->request && h->framing == HTTP_NO_BODY)
        http1_expect_no_body(p);
    struct span in = bytes_span(&out), data;
    assert(http1_next(p, &in, &data) == HTTP1_HEAD && in.len == 0);
    assert(http1_head(p)->framing == h->framing && http1_head(p)->length == h->length);
    for (size_t i = 0; h->request && i < http1_head(p)->n_fields; i++)
        assert(!http_guard_is_owned(http1_head(p)->fields[i].name));
    http1_free(p);
    bytes_clear(&out);
}

/* A number that tells events, body bytes and how many fields there were. */
static uint64_t read_all(uint8_t kind, struct span bytes, size_t step)
{
    struct http1 *p = http1_new((kind & 1) != 0, 512, 16);
    uint64_t told = 1;
    if (kind == 2)
        http1_expect_no_body(p);
    enum http1_event e = HTTP1_MORE;
    for (; bytes.len > 0 && e != HTTP1_BAD; bytes = span_skip(bytes, step)) {
        struct span in = span_of(bytes.ptr, bytes.len < step ? bytes.len : step), data = {NULL, 0};
        while ((e = http1_next(p, &in, &data)) != HTTP1_MORE && e != HTTP1_BAD) {
            for (size_t i = 0; e == HTTP1_DATA && i < data.len; i++)
                told = (told ^ data.ptr[i]) * 1099511628211U;
            if (e != HTTP1_DATA)
                told = (told ^ (256 + (size_t)e + http1_head(p)->n_fields * 16)) * 1099511628211U;
            if (e == HTTP1_HEAD &&
                (kind == 0 || kind == 2 || http_guard_request(http1_head(p), NULL) == REASON_VALID))
                check_rewritten(http1_head(p));
        }
    }
    told = (told ^ (size_t)http1_eof(p)) * 1099511628211U ^ (size_t)http1_reason(p);
    http1_free(p);
    return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct span s = span_skip(span_of(bytes, n), 2);
    assert(n < 2 || read_all(bytes[0] % 4, s, n) == read_all(bytes[0] % 4, s, bytes[1] % 32U + 1));
    return 0;
}
