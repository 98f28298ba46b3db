/* SPDX-License-Identifier: Apache-2.0 */
#include "demo.h"

static void fill(void *ctx, uint64_t offset, uint8_t *out, size_t n)
{
    const struct demo_http *h = ctx;
    demo_body_fill(h->body, offset, out, n);
}

static bool take(void *ctx, uint64_t offset, const uint8_t *data, size_t n)
{
    struct demo_http *h = ctx;
    h->equal = h->equal && demo_body_equals(h->body, offset, data, n);
    return true;
}

void demo_http_begin(struct demo_http *h, const struct demo_body *body)
{
    *h = (struct demo_http){.client = http_client_new(), .body = body};
}

void demo_http_end(struct demo_http *h)
{
    http_client_free(h->client);
    bytes_clear(&h->reply.body);
}

bool demo_http_ask(struct demo_http *h, const struct http_call *call, bool compare)
{
    bytes_clear(&h->reply.body);
    h->call = *call;
    h->call.silent_ms = DEMO_STALL_MS;
    h->call.fill = fill;
    h->call.take = compare ? take : NULL;
    h->call.ctx = h;
    h->equal = true;
    if (h->client == NULL)
        return err_set(&h->err, ERR_MEMORY, "out of memory") == 0;
    return http_client_call(h->client, &h->call, &h->reply, &h->err) == 0 && bytes_append(&h->reply.body, "", 1) == 0;
}

const char *demo_http_text(const struct demo_http *h)
{
    return h->reply.body.len > 0 ? (const char *)bytes_span(&h->reply.body).ptr : "";
}
