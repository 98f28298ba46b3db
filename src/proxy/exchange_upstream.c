/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a request or a tcp connection to its target, and where it goes when that one fails:
 *
 *   nothing of it was sent                 the next target, whatever the method
 *   a kept connection turned out stale     the same target on a new connection, once, if the request may run twice
 *   it was sent, nothing was answered      the next target, if it may run twice, is at hand whole, and retries and budget allow (security C10)
 *   anything else                          the client is told
 *
 * After our own certificate was refused nothing is tried again: the next target would only see it too (security A13).
 */
#include "exchange_internal.h"

#include <stdio.h>
#include <string.h>

enum { REFUSED_MOST = 3 }; /* connections that took it for nothing */

/* ---- the way there ---- */

static void join(struct exchange *x, struct uplink *u)
{
    uplink_join(u, &x->use);
    x->up = flow_to(&u->link, NULL);
    pool_share(x->client->env->pool, u);
}

/* Some servers ask for HTTP/1.1, or take WebSocket by nothing else; a connection that names its client in a PROXY header belongs to that client. */
static bool needs_http1(const struct exchange *x)
{
    return x->tries.http1 || x->way.target->upstream->conf->send_proxy_protocol != CONFIG_PROXY_PROTOCOL_NONE;
}

static bool is_of_no_use(const struct exchange *x, const struct uplink *u, struct moment now)
{
    bool outdated = u->link.tls != NULL && tls_engine_is_outdated(u->link.tls, now.utc);
    return outdated || (u->link.h2 != NULL && (x->raw || needs_http1(x) || !http2_has_room(u->link.h2)));
}

/* One whose server was judged by a date that has passed since is not used again. */
static struct uplink *take_kept(struct exchange *x, struct moment now)
{
    struct pool *pool = x->client->env->pool;
    struct uplink *u;
    if (x->tries.http1 && x->way.target->http != PLAN_HTTP1)
        return NULL; /* those that are kept speak HTTP/2, for others */
    while ((u = pool_take(pool, x->way.target, x->raw, now.us)) != NULL && is_of_no_use(x, u, now))
        pool_retire(pool, u);
    return u;
}

static void pass_to_kept(struct exchange *x, struct uplink *u, struct moment now)
{
    if (!x->raw) {
        exchange_request_send(x, now);
        return;
    }
    uplink_make_raw(u); /* it was made for either kind of listener */
    u->carried++;
    exchange_raw_open(x, now);
}

static void wait_for_it(struct exchange *x, struct moment now)
{
    x->phase = EXCHANGE_WAITING;
    x->at.active_us = x->at.up_us = now.us;
    x->client->is.served = true;
}

/* The same target as it is loaded now; NULL: it is not, or not with TLS as before. */
static const struct plan_target *find_loaded(const struct exchange *x)
{
    const struct proxy_env *env = x->client->env;
    const struct plan_target *own = x->way.target;
    if (env->find_target == NULL || pool_has(env->pool, own) || own == x->listener->direct)
        return own; /* a host that is reached directly has no TLS of ours */
    const struct plan_target *loaded = env->find_target(env, own);
    return loaded != NULL && (loaded->tls != NULL) == (own->tls != NULL) ? loaded : NULL;
}

static void give_up(struct exchange *x, struct moment now)
{
    static const char detail[] = "the configuration changed, and its upstream has no such target any more";
    if (!x->raw) {
        exchange_answer(x, REASON_NO_TARGET, detail, now);
        return;
    }
    exchange_report(x, REASON_NO_TARGET, detail, now);
    exchange_finish(x, false, now);
}

/* After a reload its server is also verified by what is loaded now (security B4, B5). */
static void open_new(struct exchange *x, struct moment now)
{
    struct err err = {0};
    struct proxy_env *env = x->client->env;
    enum uplink_kind kind = x->raw || exchange_forward_is_blind(x) ? UPLINK_RAW : needs_http1(x) ? UPLINK_HTTP1 : UPLINK_HTTP;
    const struct plan_target *loaded = find_loaded(x);
    if (loaded == NULL) {
        give_up(x, now);
        return;
    }
    struct uplink *u = uplink_new(env, &x->way.dial, kind, env->tickets, now, &err);
    wait_for_it(x, now);
    if (u == NULL) {
        exchange_upstream_failed(x, REASON_INTERNAL, err.text, now);
        return;
    }
    if (loaded != x->way.target)
        uplink_rejudge(u, loaded->tls, now);
    join(x, u);
}

/* An uplink that other exchanges use at the same time, or wait for. */
static struct uplink *find_shared(const struct exchange *x, struct moment now)
{
    bool may = !x->raw && x->way.target->http != PLAN_HTTP1 && !needs_http1(x);
    struct uplink *u = may ? pool_find_shared(x->client->env->pool, x->way.target) : NULL;
    bool outdated = u != NULL && u->phase == UPLINK_OPEN && u->link.tls != NULL && tls_engine_is_outdated(u->link.tls, now.utc);
    return outdated ? NULL : u;
}

void exchange_go_upstream(struct exchange *x, struct moment now)
{
    x->at.connect_us = now.us;
    struct uplink *u = find_shared(x, now);
    if (u == NULL && !x->tries.fresh)
        u = take_kept(x, now);
    if (u != NULL && exchange_websocket_is_refused(x, u)) {
        if (!u->is.shared)
            pool_put(x->client->env->pool, u, now.us);
        x->tries.http1 = true;
        u = NULL;
    }
    if (u == NULL) {
        open_new(x, now);
        return;
    }
    join(x, u);
    if (u->phase != UPLINK_OPEN || exchange_websocket_must_wait(x, u)) {
        wait_for_it(x, now);
        return;
    }
    x->tries.from_pool = true;
    uplink_report(u);
    exchange_activate(x, now);
    pass_to_kept(x, u, now);
}

void exchange_on_open(struct uplink_use *use, struct moment now)
{
    struct exchange *x = exchange_of(use);
    struct uplink *u = use->uplink;
    uplink_report(u);
    x->at.connected_us = u->at.connected_us;
    x->at.secured_us = u->link.tls != NULL ? now.us : 0;
    if (x->raw && x->client->phase != CLIENT_OPEN)
        return; /* MySQL: its greeting comes first */
    if (exchange_websocket_must_wait(x, u)) {
        x->at.active_us = now.us;
        return;
    }
    if (exchange_websocket_is_refused(x, u)) {
        exchange_go_by_http1(x, now);
        return;
    }
    exchange_activate(x, now);
    if (!x->raw && exchange_forward_is_blind(x))
        exchange_forward_opened(x, now);
    else if (!x->raw)
        exchange_request_send(x, now);
    else
        exchange_raw_open(x, now);
}

void exchange_on_settings(struct uplink_use *use, struct moment now)
{
    struct exchange *x = exchange_of(use);
    if (x->phase == EXCHANGE_WAITING && x->asked.upgrade)
        exchange_on_open(use, now);
}

/* A connection without any stream that takes none has no use (SETTINGS_MAX_CONCURRENT_STREAMS 0): a new one may have. */
void exchange_find_room(struct exchange *x, struct moment now)
{
    struct uplink *u = x->use.uplink;
    bool none = http2_streams(u->link.h2) == 0;
    u->is.closing = u->is.closing || none;
    if (none && ++x->tries.refused > REFUSED_MOST) {
        exchange_upstream_failed(x, REASON_UPSTREAM_PROTOCOL, "the upstream allows no stream on its connections (SETTINGS_MAX_CONCURRENT_STREAMS)", now);
        return;
    }
    exchange_drop_uplink(x);
    exchange_go_upstream(x, now);
}

void exchange_go_by_http1(struct exchange *x, struct moment now)
{
    x->tries.http1 = true;
    exchange_drop_uplink(x);
    exchange_go_upstream(x, now);
}

void exchange_drop_uplink(struct exchange *x)
{
    struct uplink *u = x->use.uplink;
    if (u == NULL)
        return;
    struct pool *pool = x->client->env->pool;
    u->is.reset = x->raw && u->link.h2 == NULL && !link_wants_shutdown(&u->link);
    flow_leave(&x->up, false);
    uplink_leave(&x->use);
    if (u->first != NULL)
        return; /* others go on with it */
    if (u->link.h2 != NULL && link_is_open(&u->link) && !u->is.closing)
        pool_put(pool, u, x->at.active_us);
    else
        pool_retire(pool, u);
}

/* It turned out to speak HTTP/1.1, and carries another one. */
void exchange_on_elsewhere(struct uplink_use *use, struct moment now)
{
    struct exchange *x = exchange_of(use);
    x->up.link = NULL;
    exchange_go_upstream(x, now);
}

/* ---- when it fails ---- */

/* Failures of the target itself, and not of this client, its request or us. */
static bool blames_target(enum reason reason)
{
    return reason != REASON_INTERNAL && reason != REASON_OVERLOADED && reason != REASON_ADDRESS_NOT_ALLOWED && reason != REASON_CONNECTION_AGE &&
           reason != REASON_CERTIFICATE_REPLACED && reason != REASON_IDENTITY_WITHDRAWN;
}

/* A byte of it may have left for the upstream. */
static bool may_have_left(const struct exchange *x)
{
    return x->tries.sent || x->tries.turn != x->client->env->run.n_turns;
}

/* After a request was sent, it may have caused the failure. A client with such a request must not take targets, and the sessions of all clients,
 * out of service. Health checks find such targets. */
static bool may_be_the_requests_fault(const struct exchange *x, enum reason reason)
{
    return x->phase == EXCHANGE_ACTIVE && may_have_left(x) && reason != REASON_OUR_CERTIFICATE_REFUSED;
}

static bool may_go_elsewhere(enum reason reason)
{
    return blames_target(reason) && reason != REASON_OUR_CERTIFICATE_REFUSED && reason != REASON_OUR_CERTIFICATE_NOT_REQUESTED;
}

/* The same one once more, on a new connection: nothing was wrong with it but that a kept connection had ended meanwhile. */
static void reconnect(struct exchange *x, struct moment now)
{
    exchange_drop_uplink(x);
    struct exchange_tries *tries = &x->tries;
    tries->retries++;
    x->answer.hint = NULL; /* it was about the attempt before */
    tries->sent = tries->from_pool = tries->spoke = false;
    x->at.connected_us = x->at.secured_us = 0;
    exchange_go_upstream(x, now);
}

static bool go_to_next(struct exchange *x, struct moment now)
{
    if (x->way.route == NULL || x->tries.greeted)
        return false; /* the one host that was asked for, or that greeted */
    if (!exchange_choose_next(x, now))
        return false;
    x->tries.fresh = false;
    reconnect(x, now);
    return true;
}

static bool try_again_active(struct exchange *x, bool stale, struct moment now)
{
    struct exchange_tries *tries = &x->tries;
    bool left = may_have_left(x);
    if (!exchange_request_can_replay(x) || tries->spoke || (left && !x->asked.idempotent))
        return false;
    if (stale) {
        tries->fresh = true;
        reconnect(x, now);
        return true;
    }
    if (!left)
        return go_to_next(x, now);
    const struct plan_upstream *up = x->way.target->upstream;
    if (up->n_targets < 2 || tries->resent >= up->conf->retries || !balancer_spend(x->client->env->balancer, up))
        return false;
    tries->resent++;
    return go_to_next(x, now);
}

/* True: it was started again. */
static bool try_again(struct exchange *x, enum reason reason, struct moment now)
{
    /* it may have ended long ago, which says nothing about the target */
    bool active = x->phase == EXCHANGE_ACTIVE;
    bool stale = active && x->tries.from_pool && !x->tries.spoke && reason != REASON_RESPONSE_TIMEOUT;
    if (blames_target(reason) && !stale && !x->answer.answered) {
        if (!may_be_the_requests_fault(x, reason))
            balancer_failed(x->client->env->balancer, x->way.target, now.us);
        exchange_tell_target(x, TARGET_FAILED);
    }
    if (!may_go_elsewhere(reason))
        return false;
    if (!active)
        return go_to_next(x, now);
    return !x->raw && try_again_active(x, stale, now);
}

void exchange_upstream_failed(struct exchange *x, enum reason reason, const char *text, struct moment now)
{
    if (x->phase == EXCHANGE_OVER || try_again(x, reason, now))
        return;
    if (!x->raw) {
        exchange_answer(x, reason, text, now);
        return;
    }
    exchange_report(x, reason, text, now);
    exchange_finish(x, false, now);
}

/* The upstream never began with it, so it may be sent again whatever its method (RFC 9113 section 8.7). */
static bool begin_again(struct exchange *x, uint32_t code, struct moment now)
{
    x->tries.http1 = x->tries.http1 || code == HTTP2_HTTP_1_1_REQUIRED;
    if (!exchange_request_can_replay(x) || x->tries.spoke || ++x->tries.refused > REFUSED_MOST)
        return false;
    reconnect(x, now);
    return true;
}

/* A server ended its direction of a tunnel and wants no more of the other: nothing is missing (RFC 9113 section 8.1). */
static bool ends_well(const struct exchange *x, uint32_t code)
{
    return x->raw && x->up.ended && code == HTTP2_NO_ERROR;
}

void exchange_on_reset(struct uplink_use *use, uint32_t code, bool unprocessed, struct moment now)
{
    char text[120];
    struct exchange *x = exchange_of(use);
    if (ends_well(x, code)) {
        exchange_is_last(x);
        exchange_report(x, REASON_VALID, "", now);
        exchange_finish(x, true, now);
        return;
    }
    if ((unprocessed || code == HTTP2_HTTP_1_1_REQUIRED) && begin_again(x, code, now))
        return;
    x->tries.from_pool = false; /* the connection is good: it is this request that was reset */
    snprintf(text, sizeof(text), "the upstream reset the request's stream (HTTP/2 error code %u)", (unsigned)code);
    exchange_upstream_failed(x, x->answer.answered ? REASON_TRUNCATED : REASON_UPSTREAM_CLOSED, text, now);
}

/* Many servers do not answer our goodbye with theirs. Nothing was asked of them any more, yet an app that still listens must not take a cut for
 * an end. */
static bool is_late_goodbye(const struct exchange *x, enum reason reason)
{
    bool mysql = x->way.target->upstream->conf->tls.starttls == CONFIG_STARTTLS_MYSQL; /* its server ends when it is asked to, and its answer was whole */
    bool late = reason == REASON_TRUNCATED || (mysql && reason == REASON_UPSTREAM_CLOSED);
    return x->raw && x->phase == EXCHANGE_ACTIVE && late && x->use.uplink->link.end_said;
}

void exchange_on_failed(struct uplink_use *use, enum reason reason, const char *text, const char *hint, struct moment now)
{
    struct exchange *x = exchange_of(use);
    const struct tls_engine *tls = use->uplink->link.tls;
    bool by_tls = tls != NULL && (tls_engine_flags(tls) & TLS_FAILED);
    if (by_tls)
        uplink_report(use->uplink);
    if (is_late_goodbye(x, reason)) {
        exchange_report(x, REASON_VALID, "", now);
        exchange_finish(x, false, now);
        return;
    }
    if (by_tls && reason == REASON_TRUNCATED && !x->raw && !x->answer.answered)
        reason = REASON_UPSTREAM_CLOSED;
    x->answer.hint = hint;
    exchange_upstream_failed(x, reason, text, now);
}
