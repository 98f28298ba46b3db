/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is there already when a revocation list or the configuration changes.
 *
 *   what runs           has to be shown a certificate for             and has to be allowed by
 *   a handshake         is judged once more when it is done           the rules of then (one with an upstream likewise)
 *   between requests    the trust, now                                nothing: the next request asks
 *   a request           the trust, dates aside                        the listener's allow
 *   a tunnel            the trust, dates aside                        that, and the route it would take now
 *
 * Dates aside: a certificate that was good when this began and has expired since ends nothing that runs, nor does a list that went stale meanwhile.
 * Certificates of a few hours are renewed while connections to a database live for days. What begins is judged with all dates (exchange_rebind).
 */
#include "exchange_internal.h"

#include "mtlsd/policy/allow.h"
#include "mtlsd/policy/route.h"

#include <stdlib.h>
#include <string.h>

static bool is_secured(const struct tls_engine *tls)
{
    return tls != NULL && !(tls_engine_flags(tls) & (TLS_HANDSHAKING | TLS_FAILED));
}

bool exchange_is_handshaking(const struct exchange *x)
{
    return x->phase == PHASE_TOLD || x->phase == PHASE_ACCEPT;
}

/* ---- the way of a tunnel ---- */

bool exchange_rejudge_keep(struct exchange *x, struct span host, struct span path)
{
    char *asked = malloc(host.len + path.len + 1);
    if (asked == NULL)
        return false;
    if (host.len > 0)
        memcpy(asked, host.ptr, host.len);
    if (path.len > 0)
        memcpy(asked + host.len, path.ptr, path.len);
    asked[host.len + path.len] = '\0';
    x->rq->asked = asked;
    x->rq->asked_host_len = host.len;
    return true;
}

static bool is_let_in(const struct config_listener *conf, const struct tls_facts *facts)
{
    if (conf->n_allow == 0)
        return conf->protocol == CONFIG_PROTOCOL_HTTP || allow_spares(facts->verdict);
    return allow_permits(conf->allow, conf->n_allow, facts->verdict, facts->peer) || (conf->allow_log_only && allow_spares(facts->verdict));
}

/* It would be opened again: the route that it would take now leads to an upstream, and lets this caller pass. */
static bool finds_its_way(const struct exchange *x, const struct plan_listener *now_there, const struct tls_facts *facts)
{
    const struct request *rq = x->rq;
    const struct config_listener *conf = now_there->conf;
    struct span host = span_of(rq->asked, rq->asked_host_len);
    struct route_question q = {
        .method = span_of(rq->line, rq->method_len),
        .host = host,
        .path = span_from_str(rq->asked + rq->asked_host_len),
        .verdict = facts->verdict,
        .peer = facts->peer,
    };
    struct route_choice choice;
    enum reason reason = route_choose(conf->routes, conf->n_routes, &q, &choice);
    if (reason == REASON_NO_ROUTE || now_there->routes[choice.index].upstream == NULL || !tls_engine_serves(x->down.tls, host))
        return false;
    const struct config_route *route = &conf->routes[choice.index];
    if (route->cert == 0 && facts->verdict->status != REASON_VALID && facts->verdict->status != REASON_NONE)
        return false;
    return reason == REASON_VALID || (route->allow_log_only && allow_spares(facts->verdict));
}

/* ---- the client ---- */

static bool is_still_allowed(const struct exchange *x, const struct plan_listener *now_there)
{
    const struct config_listener *conf = now_there->conf;
    struct tls_facts facts;
    if (conf->protocol != x->listener->conf->protocol || exchange_is_idle(x))
        return true;
    tls_engine_facts(x->down.tls, &facts);
    if (!is_let_in(conf, &facts))
        return false;
    bool is_tunnel = x->http == NULL && x->rq->asked != NULL;
    return !is_tunnel || finds_its_way(x, now_there, &facts);
}

bool exchange_rejudge_client(struct exchange *x, const struct plan_listener *now_there, struct moment now)
{
    struct tls_engine *tls = x->down.tls;
    const char *text = NULL;
    enum reason reason = exchange_is_idle(x) ? tls_engine_rejudge(tls, now_there->tls, now.utc) : tls_engine_rejudge_running(tls, now_there->tls, now.utc);
    if (reason == REASON_UNDECIDED) {
        reason = REASON_TLS_FAILED;
        text = "the server name that the client asked for is served no more";
    } else if (reason == REASON_VALID && !is_still_allowed(x, now_there)) {
        reason = REASON_NOT_ALLOWED;
        text = "what was loaded since does not allow this caller what runs here";
    }
    if (reason == REASON_VALID)
        return true;
    tls_engine_refuse(tls, reason, text);
    exchange_tls_after(x, SIDE_DOWN, now);
    return false;
}

bool exchange_rejudge_upstream(struct exchange *x, struct moment now)
{
    struct uplink *u = x->up;
    struct tls_context *rules = u->late;
    if (rules == NULL)
        return true;
    u->late = NULL;
    enum reason reason = tls_engine_rejudge_running(u->link.tls, rules, now.utc);
    tls_context_unref(rules);
    if (reason == REASON_VALID)
        return true;
    tls_engine_refuse(u->link.tls, reason, NULL);
    exchange_tls_after(x, SIDE_UP, now);
    return false;
}

void exchange_rejudge(struct exchange *x, const struct plan_listener *now_there, struct tls_context *up, struct moment now)
{
    bool judged = now_there != NULL && now_there->tls != NULL && !x->down.broken;
    if (judged && exchange_is_handshaking(x))
        x->late = true;
    else if (judged && is_secured(x->down.tls) && !exchange_rejudge_client(x, now_there, now))
        return;
    bytes_clear(&x->identity); /* what is told to the backend may differ now */
    if (up == NULL || x->up == NULL || x->up->link.tls == NULL || x->up->link.broken)
        return;
    tls_context_unref(x->up->late);
    x->up->late = tls_context_ref(up);
    if (is_secured(x->up->link.tls))
        exchange_rejudge_upstream(x, now);
}

/* ---- what begins ---- */

bool exchange_is_outdated(const struct exchange *x, struct moment now)
{
    return x->down.tls != NULL && tls_engine_is_outdated(x->down.tls, now.utc);
}

bool exchange_rebind(struct exchange *x, const struct plan_listener *listener, struct moment now)
{
    bool same_kind = (listener->tls != NULL) == (x->listener->tls != NULL) && listener->conf->protocol == x->listener->conf->protocol;
    if (!same_kind) {
        x->reset = true;
        exchange_finish(x, now);
        return false;
    }
    if (exchange_is_handshaking(x))
        x->late = true;
    else if (x->down.tls != NULL && !exchange_rejudge_client(x, listener, now))
        return false;
    x->listener = listener;
    bytes_clear(&x->identity);
    return true;
}
