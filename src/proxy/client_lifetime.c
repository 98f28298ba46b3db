/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_internal.h"

#include "mtlsd/proxy/lifetime.h"

enum { SECOND_US = 1000 * 1000 };

uint64_t client_begun_us(const struct client *c)
{
    return c->at.begun_us;
}

/* A response whose head left without "Connection: close" must not be the last one: its client may have sent the next request already. */
static bool is_answering(const struct client *c)
{
    return c->link.h2 == NULL && c->exchanges.first != NULL && c->exchanges.first->answer.answered;
}

/* False: not yet. */
static bool take_last(struct client *c, struct moment now)
{
    if (c->is.close_after || (c->http == NULL && c->link.h2 == NULL && c->phase == CLIENT_OPEN))
        return true;
    if (is_answering(c))
        return false;
    run_touch(&c->link);
    c->is.close_after = true;
    if (c->link.h2 != NULL)
        client_http2_shutdown(c, now);
    return true;
}

static void end_exchange(struct exchange *x, const struct lifetime *l, struct moment now)
{
    if (!x->raw) {
        exchange_answer(x, l->reason, lifetime_text(l), now);
        return;
    }
    exchange_report(x, l->reason, lifetime_text(l), now);
    exchange_finish(x, false, now);
}

/* Once it has no exchange. Its answers still leave. */
static void end_connection(struct client *c, const struct lifetime *l, struct moment now)
{
    if (c->phase == CLIENT_SNIFF)
        client_failed(c, l->reason, lifetime_text(l), NULL, now);
    else if (c->phase == CLIENT_OPEN && c->link.h2 != NULL)
        client_take_no_more(c);
    else if (client_is_idle(c))
        client_on_drain(c, now);
}

static void end_client(struct client *c, const struct lifetime *l, struct moment now)
{
    run_touch(&c->link);
    c->is.close_after = true;
    for (struct exchange *x; c->phase != CLIENT_DONE && (x = c->exchanges.first) != NULL;)
        end_exchange(x, l, now);
    end_connection(c, l, now);
}

/* A handshake has a time limit of its own. */
static bool has_begun(const struct client *c)
{
    return (c->phase == CLIENT_OPEN || c->phase == CLIENT_SNIFF) && !c->link.broken;
}

uint64_t client_live(struct client *c, const struct lifetime *l, struct moment now)
{
    if (now.us < l->soft_us)
        return l->soft_us;
    if (!has_begun(c))
        return c->phase < CLIENT_OPEN ? now.us + SECOND_US : UINT64_MAX;
    if (now.us < l->hard_us)
        return take_last(c, now) ? l->hard_us : now.us + SECOND_US;
    end_client(c, l, now);
    return UINT64_MAX;
}
