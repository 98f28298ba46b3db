/* SPDX-License-Identifier: Apache-2.0 */
/* A request after which both directions are plain bytes: from then on the exchange is as one of a tcp listener, but it is told as that request. */
#include "exchange_internal.h"

#include "mtlsd/http/http_guard.h"
#include "mtlsd/http/http_upgrade.h"

enum { HEAD_OUT_MAX = 512 * 1024 };

void exchange_tunnel_answer(struct exchange *x, const struct http_head *head)
{
    struct bytes out;
    bytes_init(&out, HEAD_OUT_MAX);
    struct http_outgoing how = {.head = head, .upgrade = http_upgrade_wanted(head), .framing = HTTP_NO_BODY};
    if (http_guard_write_head(&out, &how) != 0)
        x->down.broken = true;
    link_write_copy(&x->down, bytes_span(&out));
    bytes_clear(&out);
    x->rq->answered = true;
    x->rq->status = head->status;
    bytes_clear(&x->rq->head);
}

void exchange_tunnel_begin(struct exchange *x, struct span left, struct moment now)
{
    http1_free(x->http);
    http1_free(x->up->http);
    x->http = x->up->http = NULL;
    exchange_enter(x, PHASE_ACTIVE, now);
    if (left.len > 0)
        exchange_tcp_pass(x, SIDE_UP, left);
}
