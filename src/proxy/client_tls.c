/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS side of a client: its handshake, and its certificate judged again when a revocation list or the configuration changes.
 *
 *   state               certificate verified with                     and allowed by
 *   a handshake         verified once more at its end                 the rules at that time (with an upstream likewise)
 *   between requests    the trust, now                                nothing: the next request is checked
 *   a request           the trust, dates aside                        the listener's allow, and its allow_uids and allow_gids
 *   a tunnel            the trust, dates aside                        that, and the route it would take now
 *   a tcp connection    the trust, dates aside                        the same
 *
 * Dates aside: an open request or tunnel does not end because a certificate expired since it began, or a list became stale. Certificates of a few
 * hours are renewed while connections to a database live for days. New requests are checked with all dates (client_rebind).
 */
#include "exchange_internal.h"

#include "mtlsd/policy/allow.h"
#include "mtlsd/policy/reason.h"

enum { UNRECOGNIZED_NAME = 112 }; /* RFC 6066 section 3 */

/* ---- the handshake ---- */

/* In tcp mode the rules decide inside the handshake, because there is no later place to say no; each request of http is judged when it is there. */
enum reason client_tls_accept(void *ctx, const struct tls_verdict *verdict, const struct tls_peer *peer, unsigned *alert)
{
    struct client *c = ctx;
    struct admission a;
    struct err err = {0};
    const struct admit_place at = {.conf = c->listener->conf, .verdict = verdict, .peer = peer};
    if (at.conf->protocol == CONFIG_PROTOCOL_HTTP)
        return REASON_VALID;
    admission_init(&a);
    enum reason reason = admit_caller(&at, &a, NULL, &err);
    c->is.would_refuse = a.would_refuse;
    if (reason == REASON_VALID && c->exchanges.first == NULL)
        reason = exchange_raw_route(c, c->listener, &(const struct plan_route *){NULL}, &err);
    if (reason == REASON_NO_ROUTE)
        *alert = UNRECOGNIZED_NAME;
    else if (reason != REASON_VALID)
        *alert = (unsigned)reason_row(reason)->alert;
    return reason;
}

void client_tls_report(struct client *c, struct moment now)
{
    struct tls_facts facts;
    const struct observer *observer = &c->env->observer;
    if (c->is.reported || c->link.tls == NULL)
        return;
    c->is.reported = true;
    tls_engine_facts(c->link.tls, &facts);
    const struct handshake_report r = {
        .listener = c->listener, .facts = &facts, .reason = facts.reason == REASON_UNDECIDED ? REASON_VALID : facts.reason, .took_us = now.us - c->at.since_us,
        .client = c->who.address.text, .registry = tls_engine_registry(c->link.tls), .session = &c->session};
    observer->on_handshake(observer->ctx, &r);
}

/* Our alert, if there is one, is still sent; what was not encrypted yet never will be. */
static void failed(struct client *c, struct moment now)
{
    struct tls_facts facts;
    client_tls_report(c, now);
    tls_engine_facts(c->link.tls, &facts);
    bool lingers = c->phase == CLIENT_LINGER, handshakes = c->phase == CLIENT_HANDSHAKE;
    c->link.broken = true;
    gather_clear(&c->link.out);
    bool by_rule = facts.reason == REASON_NOT_ALLOWED && facts.peer != NULL;
    const struct config_listener *conf = c->listener->conf;
    struct err err = {0};
    if (facts.reason == REASON_NO_ROUTE || (facts.reason == REASON_CALLER_NOT_ALLOWED && handshakes)) {
        (void)exchange_raw_route(c, c->listener, &(const struct plan_route *){NULL}, &err);
        facts.text = err.text;
    }
    client_failed(c, facts.reason, by_rule ? allow_why_refused(conf->allow, conf->n_allow, facts.peer) : facts.text, NULL, now);
    if (!lingers && facts.alert_sent >= 0 && link_pending(&c->link) > 0) {
        c->is.reset = false;
        c->link.end_wanted = c->link.end_said = true;
        client_enter(c, CLIENT_LINGER, now);
    }
}

static void secured(struct client *c, struct moment now)
{
    bool late = c->is.late;
    c->is.late = false;
    if (late && !client_rejudge_now(c, c->listener, now))
        return;
    client_tls_report(c, now);
    client_begin(c, now);
}

/* Takes out of the engine what it has for us. */
static void read_tls(struct client *c, struct moment now)
{
    struct proxy_env *env = c->env;
    while (tls_engine_flags(c->link.tls) & TLS_HAS_APP) {
        size_t n = tls_engine_app_read(c->link.tls, env->scratch, env->scratch_size);
        if (n == 0)
            break;
        client_deliver(c, span_of(env->scratch, n), now);
        if (n == env->scratch_size)
            link_settle_all(&env->run); /* the next read overwrites what is borrowed */
    }
}

void client_tls_look(struct client *c, struct moment now)
{
    if (c->link.tls == NULL || c->link.broken)
        return;
    unsigned flags = tls_engine_flags(c->link.tls);
    if (flags & TLS_FAILED)
        failed(c, now);
    else if (flags & TLS_CLOSED)
        client_ended(c, now);
}

void client_tls_in(struct client *c, struct moment now)
{
    client_wait_begin(c, now);
    if (c->phase == CLIENT_HANDSHAKE && !(tls_engine_flags(c->link.tls) & (TLS_HANDSHAKING | TLS_FAILED)))
        secured(c, now);
    read_tls(c, now);
    tls_engine_wire_keep(c->link.tls);
    client_tls_look(c, now);
}

/* ---- judged again ---- */

static bool is_secured(const struct tls_engine *tls)
{
    return tls != NULL && !(tls_engine_flags(tls) & (TLS_HANDSHAKING | TLS_FAILED));
}

static const char not_allowed_now[] = "the new configuration does not allow this client's connection";

static bool is_tunnel(const struct exchange *x)
{
    return x->raw && x->rare.asked != NULL;
}

/* Its request may lead elsewhere by now. */
static bool runs_on(const struct exchange *x, const struct admit_place *at)
{
    struct err err = {0};
    if (exchange_forward_is_direct(x))
        return exchange_forward_runs_on(x, at);
    return admit_running(at, span_of(x->line, x->len.method), x->rare.asked, &err) == REASON_VALID;
}

static bool tunnels_are_allowed(const struct client *c, const struct admit_place *at)
{
    for (const struct exchange *x = c->exchanges.first; x != NULL; x = x->next)
        if (is_tunnel(x) && !runs_on(x, at))
            return false;
    return true;
}

/* In HTTP/2 the other streams go on. */
static void end_tunnels(struct client *c, const struct admit_place *at, struct moment now)
{
    for (struct exchange *x = c->exchanges.first, *next; x != NULL; x = next) {
        next = x->next;
        if (!is_tunnel(x) || runs_on(x, at))
            continue;
        exchange_report(x, REASON_NOT_ALLOWED, not_allowed_now, now);
        exchange_finish(x, false, now);
    }
}

static void rejudge_tunnels(struct client *c, const struct plan_listener *now_there, struct moment now)
{
    if (c->link.h2 == NULL || now_there->conf->protocol != c->listener->conf->protocol)
        return;
    struct admit_place at = client_place(c, now_there);
    end_tunnels(c, &at, now);
}

static bool is_still_allowed(const struct client *c, const struct plan_listener *now_there)
{
    struct admission unused;
    struct err err = {0};
    if (now_there->conf->protocol != c->listener->conf->protocol || client_is_idle(c))
        return true;
    struct admit_place at = client_place(c, now_there);
    if (c->link.h2 == NULL && c->exchanges.first != NULL && is_tunnel(c->exchanges.first))
        return tunnels_are_allowed(c, &at);
    admission_init(&unused);
    return admit_caller(&at, &unused, NULL, &err) == REASON_VALID;
}

bool client_rejudge_now(struct client *c, const struct plan_listener *now_there, struct moment now)
{
    struct tls_engine *tls = c->link.tls;
    const char *text = NULL;
    enum reason reason = client_is_idle(c) ? tls_engine_rejudge(tls, now_there->tls, now.utc) : tls_engine_rejudge_running(tls, now_there->tls, now.utc);
    if (reason == REASON_UNDECIDED) {
        reason = REASON_TLS_FAILED;
        text = "the client's server name is no longer served";
    } else if (reason == REASON_VALID && !is_still_allowed(c, now_there)) {
        reason = REASON_NOT_ALLOWED;
        text = not_allowed_now;
    }
    if (reason == REASON_VALID) {
        rejudge_tunnels(c, now_there, now);
        return true;
    }
    tls_engine_refuse(tls, reason, text);
    run_touch(&c->link);
    client_tls_look(c, now);
    return false;
}

/* A client without TLS has nothing else to lose. */
static bool lost_its_tunnel(const struct client *c, const struct plan_listener *now_there)
{
    struct admit_place at = client_place(c, now_there);
    return now_there->tls == NULL && (c->link.tls == NULL || c->tunnel != NULL) && c->link.h2 == NULL && !c->link.broken && !tunnels_are_allowed(c, &at);
}

/* A running request goes on only if its program may use the listener, and a tcp connection also by the route that it would take now. */
static enum reason judge_program(const struct client *c, const struct plan_listener *now_there, struct err *err)
{
    const struct plan_route *route;
    if (now_there->limits == NULL || c->phase < CLIENT_OPEN || client_is_idle(c) || now_there->conf->protocol != c->listener->conf->protocol)
        return REASON_VALID;
    if (now_there->conf->protocol == CONFIG_PROTOCOL_TCP)
        return exchange_raw_route(c, now_there, &route, err) == REASON_CALLER_NOT_ALLOWED ? REASON_CALLER_NOT_ALLOWED : REASON_VALID;
    struct admit_place at = client_place(c, now_there);
    return admit_program(&at, err);
}

/* True: it was refused. */
static bool lost_its_right(struct client *c, const struct plan_listener *now_there, struct moment now)
{
    struct err err = {0};
    client_ask_caller(c, now_there);
    enum reason reason = judge_program(c, now_there, &err);
    if (reason == REASON_VALID || c->link.broken)
        return false;
    if (is_secured(c->link.tls)) {
        tls_engine_refuse(c->link.tls, reason, err.text);
        run_touch(&c->link);
        client_tls_look(c, now);
    }
    client_failed(c, reason, err.text, NULL, now); /* where no alert was sent */
    return true;
}

void client_rejudge(struct client *c, const struct plan_listener *now_there, struct moment now)
{
    bool judged = now_there->tls != NULL && !c->link.broken, began = c->phase >= CLIENT_OPEN;
    if (!began && c->exchanges.first != NULL && now_there != c->listener) { /* its upstream is of the old configuration, and it was not verified yet */
        client_failed(c, REASON_DRAINING, "the configuration changed during the client's handshake", NULL, now);
        return;
    }
    if (lost_its_right(c, now_there, now))
        return;
    if (lost_its_tunnel(c, now_there)) {
        client_failed(c, REASON_NOT_ALLOWED, not_allowed_now, NULL, now);
        return;
    }
    if (judged && !began)
        c->is.late = true;
    else if (now_there->tls == NULL && (c->link.tls == NULL || c->tunnel != NULL))
        rejudge_tunnels(c, now_there, now);
    else if (judged && is_secured(c->link.tls) && !client_rejudge_now(c, now_there, now))
        return;
    bytes_clear(&c->who.identity); /* the identity headers may differ now */
}

bool client_keeps_row(const struct client *c, const struct plan_listener *now_there, struct moment now)
{
    if (now_there->tls == NULL || c->link.tls == NULL || c->link.broken)
        return c->phase >= CLIENT_OPEN;
    return tls_engine_keeps_row(c->link.tls, now_there->tls, now.utc);
}

bool client_is_outdated(const struct client *c, struct moment now)
{
    return c->link.tls != NULL && tls_engine_is_outdated(c->link.tls, now.utc);
}

bool client_rebind(struct client *c, const struct plan_listener *listener, struct moment now)
{
    const struct config_listener *new = listener->conf, *old = c->listener->conf;
    bool same_kind = (listener->tls != NULL) == (c->listener->tls != NULL) && new->protocol == old->protocol && new->passthrough == old->passthrough &&
                     new->tls.starttls == old->tls.starttls;
    bool runs = c->link.h2 != NULL && !client_is_idle(c);
    client_ask_caller(c, listener);
    if (!same_kind && runs) {
        client_take_no_more(c);
        return true;
    }
    if (!same_kind) {
        c->is.reset = true;
        client_finish(c, now);
        return false;
    }
    if (client_is_handshaking(c))
        c->is.late = listener->tls != NULL;
    else if (listener->tls == NULL) /* TLS that a forward proxy intercepts asked for no certificate */
        rejudge_tunnels(c, listener, now);
    else if (!client_rejudge_now(c, listener, now))
        return false;
    c->listener = listener;
    bytes_clear(&c->who.identity);
    if (runs && client_is_outdated(c, now))
        client_take_no_more(c); /* only its dates speak against it: what runs may go on */
    return true;
}
