/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_internal.h"

#include "mtlsd/policy/allow.h"
#include "mtlsd/policy/reason.h"

/* In tcp mode the rules decide inside the handshake, because there is no later place to say no; each request of http is judged when it is there. */
enum reason exchange_tls_accept_client(void *ctx, const struct tls_verdict *verdict, const struct tls_peer *peer, unsigned *alert)
{
    struct exchange *x = ctx;
    struct admission a;
    struct err err = {0};
    const struct admit_place at = {.conf = x->listener->conf, .verdict = verdict, .peer = peer};
    if (at.conf->protocol == CONFIG_PROTOCOL_HTTP)
        return REASON_VALID;
    admission_init(&a);
    enum reason reason = admit_caller(&at, &a, NULL, &err);
    x->would_refuse = a.would_refuse;
    if (reason != REASON_VALID)
        *alert = (unsigned)reason_row(reason)->alert;
    return reason;
}

void exchange_tls_report(struct exchange *x, enum side side)
{
    bool *told = side == SIDE_DOWN ? &x->down_reported : &x->up_reported;
    struct tls_engine *tls = exchange_link(x, side)->tls;
    if (*told || tls == NULL)
        return;
    *told = true;
    struct tls_facts facts;
    tls_engine_facts(tls, &facts);
    struct handshake_report r = {
        .listener = side == SIDE_DOWN ? x->listener : NULL,
        .target = side == SIDE_UP ? x->up->target : NULL,
        .facts = &facts,
        .reason = facts.reason == REASON_UNDECIDED ? REASON_VALID : facts.reason,
    };
    x->env->observer.on_handshake(x->env->observer.ctx, &r);
}

/* Our alert, if there is one, is still sent; what was not encrypted yet never will be. */
static void client_tls_failed(struct exchange *x, struct moment now)
{
    exchange_tls_report(x, SIDE_DOWN);
    struct tls_facts facts;
    tls_engine_facts(x->down.tls, &facts);
    bool lingers = x->phase == PHASE_LINGER;
    x->down.broken = true;
    gather_clear(&x->down.out);
    bool by_rule = facts.reason == REASON_NOT_ALLOWED && facts.peer != NULL;
    const struct config_listener *conf = x->listener->conf;
    exchange_client_failed(x, facts.reason, by_rule ? allow_why_refused(conf->allow, conf->n_allow, facts.peer) : facts.text, now);
    if (!lingers && facts.alert_sent >= 0 && link_pending(&x->down) > 0) {
        x->reset = false;
        x->down.end_wanted = x->down.end_said = true;
        exchange_enter(x, PHASE_LINGER, now);
    }
}

static void upstream_tls_failed(struct exchange *x, struct moment now)
{
    exchange_tls_report(x, SIDE_UP);
    struct tls_facts facts;
    tls_engine_facts(x->up->link.tls, &facts);
    enum reason reason = facts.reason;
    if (reason == REASON_TRUNCATED && exchange_is_http(x) && !x->rq->answered)
        reason = REASON_UPSTREAM_CLOSED;
    x->up->link.broken = true;
    if (!exchange_is_http(x) && reason == REASON_TRUNCATED && x->up->link.end_said) {
        /* Many servers do not answer our goodbye with theirs. Nothing was asked of them any more, yet an app that still listens must not
         * take a cut for an end. */
        exchange_report(x, REASON_VALID, "", now);
        x->reset = true;
        exchange_finish(x, now);
        return;
    }
    if (reason == REASON_NAME_MISMATCH)
        x->hint = reason_hint(reason, facts.peer);
    exchange_upstream_failed(x, reason, facts.text, now);
}

static void client_secured(struct exchange *x, struct moment now)
{
    bool late = x->late;
    x->late = false;
    if (late && !exchange_rejudge_client(x, x->listener, now))
        return;
    exchange_tls_report(x, SIDE_DOWN);
    exchange_begin(x, now);
}

/* Takes out of the engine what it has for us. */
static void read_tls(struct exchange *x, enum side side, struct moment now)
{
    struct link *link = exchange_link(x, side);
    while (link != NULL && (tls_engine_flags(link->tls) & TLS_HAS_APP)) {
        size_t n = tls_engine_app_read(link->tls, x->env->scratch, x->env->scratch_size);
        if (n > 0)
            exchange_deliver(x, side, span_of(x->env->scratch, n), now);
        if (n == x->env->scratch_size)
            exchange_settle(x); /* the next read overwrites what is borrowed */
        if (exchange_link(x, side) != link || n == 0)
            break;
    }
}

void exchange_tls_after(struct exchange *x, enum side side, struct moment now)
{
    struct link *link = exchange_link(x, side);
    if (link == NULL || link->tls == NULL || link->broken)
        return;
    unsigned flags = tls_engine_flags(link->tls);
    if (flags & TLS_FAILED) {
        if (side == SIDE_DOWN)
            client_tls_failed(x, now);
        else
            upstream_tls_failed(x, now);
    } else if (flags & TLS_CLOSED) {
        exchange_side_ended(x, side, now);
    }
}

void exchange_tls_in(struct exchange *x, enum side side, struct moment now)
{
    struct link *link = exchange_link(x, side);
    if (!(tls_engine_flags(link->tls) & (TLS_HANDSHAKING | TLS_FAILED))) {
        if (side == SIDE_DOWN && x->phase == PHASE_ACCEPT)
            client_secured(x, now);
        if (side == SIDE_UP && x->phase == PHASE_SECURE)
            exchange_upstream_secured(x, now);
    }
    read_tls(x, side, now);
    if (exchange_link(x, side) != link)
        return;
    tls_engine_wire_keep(link->tls);
    exchange_tls_after(x, side, now);
}
