/* SPDX-License-Identifier: Apache-2.0 */
/* C3, C9: no input crashes the reader, no cut changes what is read, nor does a head that is known by its bytes; what is written is read back with the same framing, targets that passed can
 * be taken apart, and a path has one spelling once it was rewritten. */
#include "fuzz.h"

#include "mtlsd/http/http1.h"
#include "mtlsd/http/http_guard.h"
#include "mtlsd/http/http_target.h"
#include "mtlsd/http/http_upgrade.h"

enum kind { REQUEST, RESPONSE, TO_HEAD, TO_UPGRADE, N_KINDS };

static struct http1 *reader(enum kind kind, size_t max_head, size_t max_fields)
{
    struct http1 *p = http1_new(kind == REQUEST, max_head, max_fields);
    if (kind == TO_HEAD)
        http1_expect_no_body(p);
    if (kind == TO_UPGRADE)
        http1_allow_upgrade(p);
    return p;
}

/* One way to tell where the body ends, and no field that was not there before. */
static void check_fields(const struct http_head *before, const struct http_head *after)
{
    size_t framings = 0;
    for (size_t i = 0; i < after->n_fields; i++) {
        const struct http_field *f = &after->fields[i];
        bool framing = span_equals_nocase_str(f->name, "content-length") || span_equals_nocase_str(f->name, "transfer-encoding");
        bool known = framing || span_equals_nocase_str(f->name, "connection") || span_equals_nocase_str(f->name, "upgrade");
        framings += framing;
        for (size_t k = 0; k < before->n_fields && !known; k++)
            known = span_equals_nocase(before->fields[k].name, f->name) && span_equals(before->fields[k].value, f->value);
        assert(known || span_equals_nocase_str(f->name, "host"));
    }
    assert(framings <= 1);
}

static void check_rewritten(const struct http_head *h)
{
    struct http_outgoing o = {.head = h, .framing = h->framing, .length = h->length, .upgrade = http_upgrade_wanted(h)};
    struct bytes out = {.max = 1 << 20};
    assert(http_guard_write_head(&out, &o) == 0);
    struct http1 *p = reader(h->request ? REQUEST : h->status == 101 ? TO_UPGRADE : h->framing == HTTP_NO_BODY ? TO_HEAD : RESPONSE, 1 << 20, 200);
    struct span in = bytes_span(&out), data;
    assert(http1_next(p, &in, &data) == HTTP1_HEAD && in.len == 0);
    assert(http1_head(p)->framing == h->framing && http1_head(p)->length == h->length);
    assert(span_equals(http1_head(p)->method, h->method) && http1_head(p)->status == h->status);
    check_fields(h, http1_head(p));
    for (size_t i = 0; h->request && i < http1_head(p)->n_fields; i++)
        assert(!http_guard_is_owned(http1_head(p)->fields[i].name));
    http1_free(p);
    bytes_clear(&out);
}

static void check_path(struct span path)
{
    struct bytes once = {.max = 1 << 20}, twice = {.max = 1 << 20};
    if (path.len > 0 && http_target_normalize(&once, path, NULL) == 0) {
        assert(http_target_path_refusal(bytes_span(&once)) == NULL);
        assert(http_target_normalize(&twice, bytes_span(&once), NULL) == 0 && span_equals(bytes_span(&once), bytes_span(&twice)));
    }
    bytes_clear(&once);
    bytes_clear(&twice);
}

static void check_head(const struct http_head *h)
{
    struct http_target t;
    if (h->request && http_guard_request(h, &t, NULL) != REASON_VALID)
        return;
    if (h->request)
        check_path(t.path);
    if (!h->request || t.form != HTTP_TARGET_AUTHORITY)
        check_rewritten(h);
}

static struct http1_repeat repeat;

/* A number that tells events, body bytes, what follows an upgrade, and how many fields there were. */
static uint64_t read_all(enum kind kind, struct span bytes, size_t step)
{
    struct http1 *p = reader(kind, 512, 16);
    if (kind != REQUEST)
        http1_share(p, &repeat);
    uint64_t told = 1;
    enum http1_event e = HTTP1_MORE;
    for (; bytes.len > 0 && e != HTTP1_BAD && e != HTTP1_UPGRADED; bytes = span_skip(bytes, step)) {
        struct span in = span_of(bytes.ptr, bytes.len < step ? bytes.len : step), data = {NULL, 0};
        while ((e = http1_next(p, &in, &data)) != HTTP1_MORE && e != HTTP1_BAD && e != HTTP1_UPGRADED) {
            for (size_t i = 0; e == HTTP1_DATA && i < data.len; i++)
                told = (told ^ data.ptr[i]) * 1099511628211U;
            if (e != HTTP1_DATA)
                told = (told ^ (256 + (size_t)e + http1_head(p)->n_fields * 16)) * 1099511628211U;
            if (e == HTTP1_HEAD)
                check_head(http1_head(p));
        }
        if (e == HTTP1_UPGRADED)
            told ^= (size_t)(bytes.ptr + bytes.len - in.ptr);
    }
    told = (told ^ (size_t)http1_eof(p)) * 1099511628211U ^ (size_t)http1_reason(p);
    http1_free(p);
    return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct span s = span_skip(span_of(bytes, n), 2);
    if (n < 2)
        return 0;
    enum kind kind = bytes[0] % N_KINDS;
    repeat = (struct http1_repeat){0};
    uint64_t told = read_all(kind, s, n);
    assert(read_all(kind, s, bytes[1] % 32U + 1) == told);
    assert(read_all(kind, s, n) == told); /* by now the head came twice */
    return 0;
}
