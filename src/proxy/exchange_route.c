/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the one gate (policy/admit.h) for an exchange, and keeps its answer. */
#include "exchange_internal.h"

struct admit_place exchange_route_place(const struct exchange *x, const struct plan_listener *listener)
{
    const struct client_address *c = &x->client;
    struct admit_place at = {.conf = listener->conf, .by_host = listener->by_host, .tunnel = exchange_forward_tunnel(x)};
    if (c->known) {
        at.local = c->local;
        at.n_local = c->v6 ? 16 : 4;
        at.local_port = c->local_port;
    }
    if (x->down.tls != NULL) {
        struct tls_facts facts;
        tls_engine_facts(x->down.tls, &facts);
        at.verdict = facts.verdict;
        at.peer = facts.peer;
        at.sni = facts.sni;
        at.policy = facts.policy;
    }
    return at;
}

static void take_route(struct exchange *x, const struct route_choice *choice)
{
    x->route = &x->listener->routes[choice->index];
    x->n_also = choice->n_also;
    for (size_t i = 0; i < choice->n_also; i++)
        x->also[i] = &x->listener->routes[choice->also[i]];
}

enum reason exchange_route_judge(struct exchange *x, const struct http_head *head, struct admission *a, struct err *err)
{
    struct admit_place at = exchange_route_place(x, x->listener);
    enum reason reason = admit_request(&at, head, a, NULL, err);
    x->would_refuse = a->would_refuse;
    if (a->choice.index != SIZE_MAX)
        take_route(x, &a->choice); /* told in the log also where it refused */
    if (reason == REASON_VALID && a->way != ADMIT_BY_ROUTE && !exchange_forward_take(x, a))
        return err_set(err, ERR_MEMORY, "out of memory"), REASON_INTERNAL;
    return reason;
}
