/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of an open request: an idle connection has none of it. */
#include "exchange_internal.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD_OUT_MAX = 512 * 1024, REPORTED_METHOD_MAX = 64, REPORTED_URI_MAX = 1024, KEPT_BODY_MAX = 16 * 1024 };

static const struct request none;

static struct span cut(struct span s, size_t max)
{
    return span_of(s.ptr, s.len < max ? s.len : max);
}

static void put(char *to, struct span s)
{
    if (s.len > 0)
        memcpy(to, s.ptr, s.len);
}

bool exchange_request_begin(struct exchange *x, struct span method, struct span uri)
{
    return exchange_request_begin_for(x, method, uri, span_of(NULL, 0));
}

bool exchange_request_begin_for(struct exchange *x, struct span method, struct span uri, struct span host)
{
    if (x->rq != NULL && x->rq != &none)
        return true;
    method = cut(method, REPORTED_METHOD_MAX);
    uri = cut(uri, REPORTED_URI_MAX); /* only for the report; what is forwarded is never cut */
    struct request *rq = malloc(sizeof(*rq) + method.len + uri.len + host.len);
    if (rq == NULL) {
        x->down.broken = true;
        return false;
    }
    *rq = (struct request){.method_len = method.len, .uri_len = uri.len, .host_len = host.len};
    put(rq->line, method);
    put(rq->line + method.len, uri);
    put(rq->line + method.len + uri.len, host);
    bytes_init(&rq->head, HEAD_OUT_MAX);
    bytes_init(&rq->body, KEPT_BODY_MAX);
    x->rq = rq;
    return true;
}

struct span exchange_request_host(const struct request *rq)
{
    return span_of(rq->line + rq->method_len + rq->uri_len, rq->host_len);
}

void exchange_request_forget(struct exchange *x)
{
    struct request *rq = x->rq;
    if (rq != NULL && rq != &none) {
        exchange_agent_forget(x);
        bytes_clear(&rq->head);
        bytes_clear(&rq->body);
        free(rq->asked);
        free(rq);
    }
    x->rq = (struct request *)(uintptr_t)&none; /* read, and never written */
}
