/* SPDX-License-Identifier: Apache-2.0 */
/* Plain bytes in both directions: a tcp connection, and a request after which its connection is no longer HTTP. Such a tunnel works like a tcp
 * connection from then on, but is reported as that request. */
#include "exchange_internal.h"

#include "mtlsd/tls/tls_hello.h"

enum reason exchange_raw_route(const struct client *c, const struct plan_listener *l, const struct plan_route **route, struct err *err)
{
    char room[TLS_SERVER_NAME_SIZE];
    const char *name = c->opening.hello != NULL ? c->opening.hello->server_name : c->link.tls != NULL ? tls_engine_server_name(c->link.tls, room) : NULL;
    const struct admit_place at = {.conf = l->conf, .by_host = l->by_host, .limits = l->limits, .caller = c->who.program};
    size_t i;
    enum reason reason = admit_name(&at, span_from_str(name), &i, err);
    *route = reason == REASON_VALID ? &l->routes[i] : NULL;
    return reason;
}

void exchange_raw_begin(struct client *c, struct moment now)
{
    const struct plan_route *route;
    struct err err = {0};
    enum reason reason = exchange_raw_route(c, c->listener, &route, &err);
    if (reason != REASON_VALID) {
        client_failed(c, reason, err.text, NULL, now);
        return;
    }
    struct span none = span_of(NULL, 0);
    struct exchange *x = exchange_new(c, none, none, none, now);
    if (x == NULL)
        return; /* what is broken is ended when the turn does */
    x->raw = x->asked.connection = true;
    x->answer.would_refuse = c->is.would_refuse;
    x->way.route = route;
    x->at.begun_us = now.us;
    if (!exchange_join_new(x)) {
        c->link.broken = true;
        return;
    }
    if (exchange_choose(x, now)) {
        exchange_go_upstream(x, now);
        return;
    }
    exchange_report(x, REASON_NO_TARGET, "no target of the upstream can be used now", now);
    exchange_finish(x, false, now);
}

/* Bytes that an app sent before its upstream was ready leave with the end of our handshake, in one write. Where the client has a certificate it may have to
 * be judged again first: there the driver asks before it goes on. */
static void pass_what_waited(struct exchange *x)
{
    struct bytes *waited = &x->client->held;
    if (x->client->link.tls != NULL || waited->len == 0 || x->rare.join != NULL)
        return;
    x->bytes.in += waited->len;
    link_write_take(&x->use.uplink->link, waited);
}

void exchange_raw_open(struct exchange *x, struct moment now)
{
    balancer_worked(x->client->env->balancer, x->way.target);
    if (x->rare.join != NULL)
        exchange_join_open(x);
    pass_what_waited(x);
    exchange_raw_ended(x, now);
}

void exchange_raw_resume(struct exchange *x, struct moment now)
{
    if (exchange_wants_login(x)) {
        exchange_look_for_login(x, now);
    } else if (x->use.uplink != NULL && x->use.uplink->phase == UPLINK_OPEN) {
        exchange_activate(x, now);
        exchange_raw_open(x, now);
    }
}

void exchange_raw_in(struct exchange *x, struct span in, struct moment now)
{
    x->bytes.in += in.len;
    if (x->down.stream != NULL) {
        x->bytes.owed += in.len;
        x->at.active_us = now.us;
    }
    if (x->rare.join != NULL)
        exchange_join_pass(x, true, in, now);
    else if (x->up.link != NULL)
        flow_data(&x->up, in);
}

static void pass_end(bool ended, struct flow *to)
{
    if (ended && to->stream != NULL)
        flow_end(to, NULL, NULL);
    else if (ended && !to->link->end_wanted)
        link_end(to->link);
}

/* All that it was given is written, its end too; of a connection, it has left. */
static bool is_through(const struct flow *f)
{
    return f->stream != NULL ? !f->open : link_wants_shutdown(f->link);
}

/* One direction's end is passed on once its last byte was; the other direction goes on (security D4). */
void exchange_raw_ended(struct exchange *x, struct moment now)
{
    struct client *c = x->client;
    struct uplink *u = x->use.uplink;
    if (x->phase != EXCHANGE_ACTIVE || u == NULL)
        return;
    bool client_ended = x->down.stream != NULL ? x->down.ended : c->is.ended && c->held.len == 0;
    bool upstream_ended = x->up.stream != NULL ? x->up.ended : u->is.ended;
    pass_end(client_ended, &x->up);
    pass_end(upstream_ended, &x->down);
    if (!client_ended || !upstream_ended || !is_through(&x->down) || !is_through(&x->up))
        return;
    exchange_report(x, REASON_VALID, "", now);
    if (c->link.h2 != NULL)
        exchange_finish(x, true, now);
    else
        client_finish(c, now);
}

static void open_tunnel(struct flow *f)
{
    f->open = f->tunnel = f->stream != NULL;
}

void exchange_tunnel_begin(struct exchange *x, struct span left, struct moment now)
{
    struct client *c = x->client;
    http1_free(c->http);
    c->http = NULL;
    uplink_make_raw(x->use.uplink);
    x->raw = true;
    open_tunnel(&x->up);
    open_tunnel(&x->down);
    exchange_activate(x, now);
    x->bytes.out += left.len;
    flow_data(&x->down, left);
    exchange_raw_ended(x, now);
}
