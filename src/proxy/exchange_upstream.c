/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which target a request or a tcp connection goes to, the way there, and where it goes when that one fails:
 *
 *   nothing of it was sent                 the next target, whatever the method
 *   a kept connection turned out stale     the same target on a new connection, once, if the request may run twice
 *   it was sent, nothing was answered      the next target, if it may run twice, is at hand whole, and retries and budget allow (security C10)
 *   anything else                          the client is told
 *
 * After our own certificate was refused nothing is tried again: the next target would only see it too (security A13).
 */
#include "exchange_internal.h"

#include "mtlsd/http/http_cookie.h"
#include "mtlsd/http/http_parameter.h"
#include "mtlsd/policy/balance.h"
#include "mtlsd/policy/sticky.h"

#include <string.h>

enum { TRIED_BITS = 64 };

/* ---- choosing ---- */

static uint64_t draw(struct exchange_env *env)
{
    uint64_t n = env->random += UINT64_C(0x9e3779b97f4a7c15);
    n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
    return n ^ n >> 31;
}

/* By the client's certificate, or by its address where it has none. */
static uint64_t key_of(const struct exchange *x, bool *by_certificate)
{
    struct tls_facts facts = {0};
    if (x->down.tls != NULL)
        tls_engine_facts(x->down.tls, &facts);
    *by_certificate = facts.peer != NULL;
    const char *text = facts.peer != NULL ? facts.peer->sha256 : x->client.text;
    return balance_hash(text, strlen(text));
}

static struct balancer_wish make_wish(struct exchange *x, const struct config_upstream *conf)
{
    struct balancer_wish wish = {.sticky = x->rq->named, .tried = x->rq->tried};
    bool by_certificate = false;
    if (conf->n_targets < 2)
        return wish;
    wish.number = draw(x->env);
    if (conf->balance == CONFIG_BALANCE_HASH || conf->sticky == CONFIG_STICKY_CLIENT_CERT)
        wish.key = key_of(x, &by_certificate);
    wish.by_key = conf->sticky == CONFIG_STICKY_CLIENT_CERT && by_certificate;
    return wish;
}

static void tell(struct exchange *x, enum target_event what)
{
    const struct observer *observer = &x->env->observer;
    if (observer->on_target != NULL)
        observer->on_target(observer->ctx, x->target, what);
}

void exchange_leave_target(struct exchange *x)
{
    if (!x->on_target)
        return;
    x->on_target = false;
    balancer_end(x->env->balancer, x->target);
    tell(x, TARGET_ENDED);
}

/* False: there is none (left). What was chosen before stays chosen then. */
static bool choose_target(struct exchange *x, struct moment now)
{
    if (x->route == NULL || x->route->upstream == NULL)
        return false;
    const struct plan_upstream *up = x->route->upstream;
    struct balancer_wish wish = make_wish(x, up->conf);
    const struct plan_target *t = balancer_choose(x->env->balancer, up, &wish, now.us);
    if (t == NULL)
        return false;
    exchange_leave_target(x);
    x->target = t;
    x->dial = (struct dial){.target = t, .address = up->conf->proxy_text != NULL ? &up->conf->proxy : &t->conf->address};
    balancer_begin(x->env->balancer, t);
    x->on_target = true;
    tell(x, TARGET_BEGUN);
    return true;
}

bool exchange_choose(struct exchange *x, struct moment now)
{
    if (exchange_forward_is_direct(x)) {
        exchange_forward_choose(x);
        return true;
    }
    balancer_earn(x->env->balancer, x->route->upstream);
    return choose_target(x, now);
}

/* ---- sessions ---- */

/* A client without cookies has its session in the path (";jsessionid=0123.worker1"). Where both name a target the cookie counts. */
static size_t find_named(const struct config_upstream *conf, const struct admission *a)
{
    struct span cookie = http_cookie_find(a->head, conf->sticky_cookie);
    size_t i = cookie.ptr != NULL ? sticky_find(conf, cookie) : SIZE_MAX;
    if (i != SIZE_MAX || conf->sticky != CONFIG_STICKY_SUFFIX)
        return i;
    struct span parameter = http_parameter_find(a->target.path, conf->sticky_cookie);
    return parameter.ptr != NULL ? sticky_find(conf, parameter) : SIZE_MAX;
}

void exchange_read_session(struct exchange *x, const struct admission *a)
{
    if (x->route == NULL)
        return;
    const struct plan_upstream *up = x->route->upstream;
    if (up->conf->sticky != CONFIG_STICKY_SUFFIX && up->conf->sticky != CONFIG_STICKY_INSERT)
        return;
    size_t i = find_named(up->conf, a);
    x->rq->named = i < up->n_targets ? &up->targets[i] : NULL;
}

int exchange_session_field(const struct exchange *x, struct bytes *out)
{
    const struct config_upstream *conf = x->target->upstream->conf;
    if (conf->sticky != CONFIG_STICKY_INSERT || x->target == x->rq->named)
        return 0;
    return sticky_set_cookie(out, conf, x->target->conf, x->listener->tls != NULL);
}

/* ---- the way there ---- */

/* One whose server was judged by a date that has passed since is not used again. */
static struct uplink *take_kept(struct exchange *x, struct moment now)
{
    struct uplink *u;
    while ((u = pool_take(x->env->pool, x->target, !exchange_is_http(x), now.us)) != NULL && u->link.tls != NULL && tls_engine_is_outdated(u->link.tls, now.utc))
        pool_retire(x->env->pool, u);
    return u;
}

static void pass_to_kept(struct exchange *x, struct moment now)
{
    if (exchange_is_http(x)) {
        exchange_http_send_request(x, now);
        return;
    }
    http1_free(x->up->http); /* it was made for either kind of listener */
    x->up->http = NULL;
    x->up->uses++;
    balancer_worked(x->env->balancer, x->target);
    exchange_tcp_ended(x, now);
}

void exchange_go_upstream(struct exchange *x, struct moment now)
{
    x->rq->connect_us = now.us;
    struct uplink *u = !x->rq->fresh ? take_kept(x, now) : NULL;
    if (u == NULL) {
        exchange_enter(x, PHASE_CONNECT, now);
        return;
    }
    u->exchange = x;
    x->up = u;
    x->up_reported = u->uses > 0;
    x->rq->from_pool = true;
    exchange_tls_report(x, SIDE_UP);
    exchange_enter(x, PHASE_ACTIVE, now);
    pass_to_kept(x, now);
}

const struct dial *exchange_wants_connect(const struct exchange *x)
{
    return x->phase == PHASE_CONNECT && x->up == NULL && !x->redial ? &x->dial : NULL;
}

struct uplink *exchange_on_connected(struct exchange *x, struct moment now)
{
    struct err err = {0};
    x->rq->connected_us = now.us;
    struct uplink *u = uplink_new(x->target, exchange_is_http(x), x->env->tickets, &err);
    if (u == NULL) {
        exchange_upstream_failed(x, REASON_INTERNAL, err.text, now);
        return NULL;
    }
    u->exchange = x;
    x->up = u;
    x->up_reported = false;
    x->rq->from_pool = false;
    exchange_dial_connected(x, now);
    return u;
}

void exchange_on_connect_failed(struct exchange *x, enum reason reason, const char *text, struct moment now)
{
    exchange_upstream_failed(x, reason, text, now);
}

/* What an app said before its upstream was ready leaves with the end of our handshake, in one write. Where the client has a certificate it may have to
 * be judged again first: there the driver asks before it goes on. */
static void pass_what_waited(struct exchange *x)
{
    struct bytes *waited = &x->held[SIDE_DOWN];
    if (x->down.tls != NULL || waited->len == 0)
        return;
    x->rq->bytes_in += waited->len;
    link_write_take(&x->up->link, waited);
}

void exchange_upstream_secured(struct exchange *x, struct moment now)
{
    if (!exchange_rejudge_upstream(x, now))
        return;
    exchange_tls_report(x, SIDE_UP);
    if (x->up->link.tls != NULL)
        x->rq->secured_us = now.us;
    exchange_enter(x, PHASE_ACTIVE, now);
    if (exchange_is_http(x) && exchange_forward_is_blind(x)) {
        exchange_forward_opened(x, now);
        return;
    }
    if (exchange_is_http(x)) {
        exchange_http_send_request(x, now);
        return;
    }
    balancer_worked(x->env->balancer, x->target);
    pass_what_waited(x);
    exchange_tcp_ended(x, now);
}

void exchange_drop_uplink(struct exchange *x)
{
    if (x->up == NULL)
        return;
    x->up->reset = !exchange_is_http(x) && !link_wants_shutdown(&x->up->link);
    pool_retire(x->env->pool, x->up);
    x->up = NULL;
    bytes_clear(&x->held[SIDE_UP]);
    x->eof[SIDE_UP] = false;
}

/* ---- when it fails ---- */

/* What says something about the target, and nothing about this client, its request or us. */
static bool blames_target(enum reason reason)
{
    return reason != REASON_INTERNAL && reason != REASON_OVERLOADED && reason != REASON_ADDRESS_NOT_ALLOWED;
}

/* After a request was sent, it may have caused the failure. A client with such a request must not take targets, and the sessions of all clients,
 * out of service. Health checks find such targets. */
static bool may_be_the_requests_fault(const struct exchange *x, enum reason reason)
{
    return x->phase == PHASE_ACTIVE && (x->rq->sent || x->rq->offered) && reason != REASON_OUR_CERTIFICATE_REFUSED;
}

static bool may_go_elsewhere(enum reason reason)
{
    return blames_target(reason) && reason != REASON_OUR_CERTIFICATE_REFUSED && reason != REASON_OUR_CERTIFICATE_NOT_REQUESTED;
}

/* The same one once more, on a new connection: nothing was wrong with it but that a kept connection had ended meanwhile. */
static void reconnect(struct exchange *x, struct moment now)
{
    exchange_drop_uplink(x);
    struct request *rq = x->rq;
    rq->retries++;
    x->hint = NULL; /* it was about the attempt before */
    rq->sent = rq->offered = rq->from_pool = rq->spoke = false;
    rq->connected_us = rq->secured_us = 0;
    exchange_go_upstream(x, now);
}

static bool go_to_next(struct exchange *x, struct moment now)
{
    if (x->route == NULL)
        return false; /* the one host that was asked for */
    size_t i = (size_t)(x->target - x->target->upstream->targets);
    x->rq->tried |= UINT64_C(1) << (i < TRIED_BITS ? i : TRIED_BITS - 1);
    if (!choose_target(x, now))
        return false;
    exchange_drop_uplink(x); /* before the head it may still borrow is changed */
    if (exchange_is_http(x) && exchange_http_change_host(x) != 0)
        x->down.broken = true;
    x->redial = x->phase == PHASE_CONNECT; /* the attempt that ran, if it still does, is to be given up */
    x->rq->fresh = false;
    reconnect(x, now);
    return true;
}

static bool try_again_active(struct exchange *x, bool stale, struct moment now)
{
    struct request *rq = x->rq;
    bool left = rq->sent || rq->offered;
    if (!exchange_http_can_replay(x) || rq->spoke || (left && !rq->idempotent))
        return false;
    if (stale) {
        rq->fresh = true;
        reconnect(x, now);
        return true;
    }
    if (!left)
        return go_to_next(x, now);
    const struct plan_upstream *up = x->target->upstream;
    if (up->n_targets < 2 || rq->resent >= up->conf->retries || !balancer_spend(x->env->balancer, up))
        return false;
    rq->resent++;
    return go_to_next(x, now);
}

/* True: it was started again. */
static bool try_again(struct exchange *x, enum reason reason, struct moment now)
{
    /* it may have ended long ago, which says nothing about the target */
    bool stale = x->phase == PHASE_ACTIVE && x->rq->from_pool && !x->rq->spoke && reason != REASON_RESPONSE_TIMEOUT;
    if (blames_target(reason) && !stale && !x->rq->answered) {
        if (!may_be_the_requests_fault(x, reason))
            balancer_failed(x->env->balancer, x->target, now.us);
        tell(x, TARGET_FAILED);
    }
    if (!may_go_elsewhere(reason))
        return false;
    if (x->phase == PHASE_CONNECT || x->phase == PHASE_PROXY || x->phase == PHASE_SECURE)
        return go_to_next(x, now);
    return exchange_is_http(x) && x->phase == PHASE_ACTIVE && try_again_active(x, stale, now);
}

void exchange_upstream_failed(struct exchange *x, enum reason reason, const char *text, struct moment now)
{
    if (x->phase == PHASE_LINGER || x->phase == PHASE_DONE || try_again(x, reason, now))
        return;
    if (exchange_is_http(x)) {
        exchange_answer(x, reason, text, now);
        return;
    }
    exchange_report(x, reason, text, now);
    x->reset = true;
    exchange_finish(x, now);
}
