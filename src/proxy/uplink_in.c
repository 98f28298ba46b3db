/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from an upstream, parsed and given to the exchange that asked. */
#include "uplink_internal.h"

const char *uplink_http2_hint(const struct uplink *u)
{
    return u->target->tls != NULL ? "let the server choose h2 in the TLS handshake (ALPN), or speak HTTP/1.1 on this port"
                                  : "set http2_prior_knowledge = true in the upstream, or let the server speak HTTP/1.1 on this port";
}

static void bad_response(struct uplink *u, struct uplink_use *use, struct moment now)
{
    use->events->on_failed(use, http1_reason(u->http), http1_detail(u->http), http1_is_h2(u->http) ? uplink_http2_hint(u) : NULL, now);
}

static void on_http1(struct uplink *u, struct span in, struct moment now)
{
    struct uplink_use *use = u->first;
    struct span data;
    while (u->first == use && u->phase == UPLINK_OPEN) {
        switch (http1_next(u->http, &in, &data)) {
        case HTTP1_MORE:
            return;
        case HTTP1_HEAD:
            u->is.keep_alive = http1_head(u->http)->keep_alive;
            uplink_heed_answer(u, http1_head(u->http));
            use->events->on_head(use, http1_head(u->http), now);
            break;
        case HTTP1_DATA:
            use->events->on_data(use, data, now);
            break;
        case HTTP1_TRAILERS:
            use->events->on_trailers(use, http1_head(u->http), now);
            break;
        case HTTP1_UPGRADED:
            use->events->on_switched(use, in, now);
            return;
        case HTTP1_END:
            use->events->on_end(use, u->is.keep_alive && in.len == 0, now);
            break;
        default:
            bad_response(u, use, now);
            return;
        }
    }
}

void uplink_deliver(struct uplink *u, struct span in, struct moment now)
{
    struct uplink_use *use = u->first;
    if (u->link.h2 != NULL) {
        uplink_http2_in(u, in, now);
        return;
    }
    u->is.stray = u->is.stray || (use == NULL && in.len > 0);
    if (use == NULL || !use->events->on_bytes(use, in, now) || u->first != use)
        return;
    if (u->http != NULL)
        on_http1(u, in, now);
    else
        use->events->on_data(use, in, now);
}

void uplink_ended(struct uplink *u, struct moment now)
{
    struct uplink_use *use = u->first;
    u->is.stray = u->is.stray || use == NULL;
    if (u->is.ended)
        return;
    u->is.ended = true;
    u->is.closing = true;
    if (u->link.h2 != NULL)
        uplink_fail(u, REASON_UPSTREAM_CLOSED, "the upstream closed the connection", NULL, now);
    if (use == NULL || u->link.h2 != NULL)
        return;
    if (u->http == NULL) {
        use->events->on_end(use, false, now);
        return;
    }
    bool idle = http1_is_idle(u->http);
    if (http1_eof(u->http) == HTTP1_END)
        use->events->on_end(use, false, now);
    else
        use->events->on_failed(use, idle ? REASON_UPSTREAM_CLOSED : REASON_TRUNCATED,
                               idle ? "the upstream closed without an answer" : "the upstream closed in the middle of its answer", NULL, now);
}
