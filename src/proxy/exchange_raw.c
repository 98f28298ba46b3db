/* SPDX-License-Identifier: Apache-2.0 */
/* Plain bytes in both directions: a tcp connection, and a request after which its connection is no longer HTTP. Such a tunnel works like a tcp
 * connection from then on, but is reported as that request. */
#include "exchange_internal.h"

void exchange_raw_begin(struct client *c, struct moment now)
{
    struct span none = span_of(NULL, 0);
    struct exchange *x = exchange_new(c, none, none, none, now);
    if (x == NULL)
        return; /* what is broken is ended when the turn does */
    x->raw = x->asked.connection = true;
    x->would_refuse = c->is.would_refuse;
    x->way.route = &x->listener->routes[0];
    x->at.begun_us = now.us;
    if (exchange_choose(x, now)) {
        exchange_go_upstream(x, now);
        return;
    }
    exchange_report(x, REASON_NO_TARGET, "no target of the upstream can be used now", now);
    exchange_finish(x, false, now);
}

void exchange_raw_in(struct exchange *x, struct span in)
{
    x->bytes_in += in.len;
    if (x->up.link != NULL)
        flow_data(&x->up, in);
}

static void pass_end(bool ended, struct link *to)
{
    if (ended && !to->end_wanted)
        link_end(to);
}

/* One direction's end is passed on once its last byte was; the other direction goes on (security D4). */
void exchange_raw_ended(struct exchange *x, struct moment now)
{
    struct client *c = x->client;
    struct uplink *u = x->use.uplink;
    if (x->phase != EXCHANGE_ACTIVE || u == NULL)
        return;
    pass_end(c->is.ended && c->held.len == 0, &u->link);
    pass_end(u->ended, &c->link);
    if (c->is.ended && u->ended && link_wants_shutdown(&c->link) && link_wants_shutdown(&u->link)) {
        exchange_report(x, REASON_VALID, "", now);
        client_finish(c, now);
    }
}

void exchange_tunnel_begin(struct exchange *x, struct span left, struct moment now)
{
    struct client *c = x->client;
    http1_free(c->http);
    c->http = NULL;
    uplink_make_raw(x->use.uplink);
    x->raw = true;
    x->up.chunked = x->down.chunked = false;
    exchange_activate(x, now);
    if (left.len == 0)
        return;
    x->bytes_out += left.len;
    flow_data(&x->down, left);
}
