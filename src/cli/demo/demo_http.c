/* SPDX-License-Identifier: Apache-2.0 */
#include "demo_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 64 * 1024 };

static bool send_head(struct probe *p, const struct demo_request *r)
{
    char head[2000];
    int n = snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: localhost\r\n%s", r->method, r->path, r->fields);
    if (n < 0 || (size_t)n + 64 > sizeof(head))
        return false;
    size_t used = (size_t)n;
    if (r->upload > 0)
        used += (size_t)snprintf(head + used, sizeof(head) - used, "Content-Length: %llu\r\n", (unsigned long long)r->upload);
    used += (size_t)snprintf(head + used, sizeof(head) - used, "\r\n");
    return probe_send(p, span_of(head, used));
}

static bool send_body(struct probe *p, const struct demo_request *r)
{
    uint8_t piece[PIECE];
    for (uint64_t done = 0; done < r->upload;) {
        size_t n = r->upload - done < PIECE ? (size_t)(r->upload - done) : PIECE;
        demo_body_fill(r->body, done, piece, n);
        probe_limit(p, DEMO_STALL_MS);
        if (!probe_send(p, span_of(piece, n)))
            return false;
        done += n;
    }
    return true;
}

/* Reads until the head is whole; what came behind it is moved to the front. */
static bool read_head(struct probe *p, struct demo_answer *a, uint8_t buf[DEMO_HTTP_HEAD_MAX], size_t *behind)
{
    size_t have = 0;
    const uint8_t *end = NULL;
    while (end == NULL) {
        size_t n = have < DEMO_HTTP_HEAD_MAX - 1 ? probe_read(p, buf + have, DEMO_HTTP_HEAD_MAX - 1 - have) : 0;
        if (n == 0)
            return false;
        have += n;
        end = memmem(buf, have, "\r\n\r\n", 4);
    }
    size_t head = (size_t)(end - buf) + 4;
    buf[head - 1] = '\0';
    const char *length = strcasestr((const char *)buf, "\r\nContent-Length:");
    if (strncmp((const char *)buf, "HTTP/1.1 ", 9) != 0 || length == NULL)
        return false;
    a->status = (unsigned)strtoul((const char *)buf + 9, NULL, 10);
    a->length = strtoull(length + strlen("\r\nContent-Length:"), NULL, 10);
    *behind = have - head;
    memmove(buf, buf + head, *behind);
    return true;
}

static void take_body(struct demo_answer *a, const struct demo_body *body, uint64_t offset, const uint8_t *data, size_t n)
{
    if (body != NULL)
        a->equal = a->equal && demo_body_equals(body, offset, data, n);
    else if (offset + n <= DEMO_HTTP_BODY_MAX)
        memcpy(a->body + offset, data, n);
}

bool demo_http_ask(struct probe *p, const struct demo_request *r, struct demo_answer *a)
{
    uint8_t buf[PIECE];
    size_t n = 0;
    memset(a, 0, sizeof(*a));
    if (probe_failed(p) || !send_head(p, r) || !send_body(p, r) || !read_head(p, a, buf, &n))
        return false;
    const struct demo_body *expected = r->upload == 0 ? r->body : NULL;
    a->equal = true;
    if (n > a->length)
        return false;
    take_body(a, expected, 0, buf, n);
    for (uint64_t done = n; done < a->length; done += n) {
        probe_limit(p, DEMO_STALL_MS);
        n = probe_read(p, buf, a->length - done < PIECE ? (size_t)(a->length - done) : PIECE);
        if (n == 0)
            return false;
        take_body(a, expected, done, buf, n);
    }
    return true;
}
