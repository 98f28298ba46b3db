/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/lifetime.h"
#include "exchange_internal.h"
#include "uplink_internal.h"

enum {
    SECOND_US = 1000 * 1000,
    SOFT_S = 120, /* before the certificate ends: requests get so long to end by themselves */
    HARD_S = 30,  /* before it ends: also a peer whose clock is ahead has not seen it end yet */
    SPREAD = 1280, /* 128 parts of a tenth */
};

static const char too_old[] = "the connection is older than max_connection_age and its grace";
static const char replaced[] = "our certificate on this connection was replaced, and expires within 30 s";

/* ---- when ---- */

struct lifetime lifetime_unbounded(void)
{
    return (struct lifetime){UINT64_MAX, UINT64_MAX, REASON_CONNECTION_AGE};
}

static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t spread(uint64_t begun_us)
{
    return begun_us * UINT64_C(0x9E3779B97F4A7C15) >> 57; /* 0..127 */
}

struct lifetime lifetime_by_age(const struct lifetime_rule *rule, uint64_t begun_us)
{
    struct lifetime l = lifetime_unbounded();
    if (rule->age_ms == 0)
        return l;
    uint64_t age_us = rule->age_ms * 1000, grace_us = rule->grace_ms == UINT64_MAX ? UINT64_MAX : rule->grace_ms * 1000;
    if (rule->tcp && grace_us == UINT64_MAX)
        grace_us = 0;
    l.soft_us = add(begun_us, age_us - age_us / SPREAD * spread(begun_us));
    l.hard_us = add(l.soft_us, grace_us);
    return l;
}

uint64_t lifetime_least_us(uint64_t age_ms)
{
    return age_ms * 1000 - age_ms * 100;
}

static uint64_t before(int64_t not_after, int64_t seconds, struct moment now)
{
    int64_t left = not_after - seconds - now.utc;
    if (left > INT64_MAX / SECOND_US)
        return UINT64_MAX;
    return left > 0 ? add(now.us, (uint64_t)left * SECOND_US) : now.us;
}

struct lifetime lifetime_by_certificate(int64_t not_after, struct moment now)
{
    return (struct lifetime){before(not_after, SOFT_S, now), before(not_after, HARD_S, now), REASON_CERTIFICATE_REPLACED};
}

struct lifetime lifetime_shorter(const struct lifetime *a, const struct lifetime *b)
{
    struct lifetime l = a->hard_us <= b->hard_us ? *a : *b;
    l.soft_us = a->soft_us <= b->soft_us ? a->soft_us : b->soft_us;
    return l;
}

static const char *text_of(const struct lifetime *l)
{
    return l->reason == REASON_CERTIFICATE_REPLACED ? replaced : too_old;
}

/* ---- clients ---- */

uint64_t client_begun_us(const struct client *c)
{
    return c->at.begun_us;
}

/* A response whose head left without "Connection: close" must not be the last one: its client may have sent the next request already. */
static bool is_answering(const struct client *c)
{
    return c->link.h2 == NULL && c->first != NULL && c->first->answer.answered;
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
        exchange_answer(x, l->reason, text_of(l), now);
        return;
    }
    exchange_report(x, l->reason, text_of(l), now);
    exchange_finish(x, false, now);
}

/* Once it has no exchange. Its answers still leave. */
static void end_connection(struct client *c, const struct lifetime *l, struct moment now)
{
    if (c->phase == CLIENT_SNIFF)
        client_failed(c, l->reason, text_of(l), NULL, now);
    else if (c->phase == CLIENT_OPEN && c->link.h2 != NULL)
        client_take_no_more(c);
    else if (client_is_idle(c))
        client_on_drain(c, now);
}

static void end_client(struct client *c, const struct lifetime *l, struct moment now)
{
    run_touch(&c->link);
    c->is.close_after = true;
    for (struct exchange *x; c->phase != CLIENT_DONE && (x = c->first) != NULL;)
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
        return c->phase < CLIENT_OPEN ? add(now.us, SECOND_US) : UINT64_MAX;
    if (now.us < l->hard_us)
        return take_last(c, now) ? l->hard_us : add(now.us, SECOND_US);
    end_client(c, l, now);
    return UINT64_MAX;
}

/* ---- connections to upstreams ---- */

uint64_t uplink_live(struct uplink *u, const struct lifetime *l, struct moment now)
{
    if (now.us < l->soft_us)
        return l->soft_us;
    if (u->phase == UPLINK_RETIRED || u->link.broken)
        return UINT64_MAX;
    u->is.closing = true;
    pool_unshare(u->env->pool, u);
    if (now.us < l->hard_us)
        return l->hard_us;
    run_touch(&u->link);
    uplink_fail(u, l->reason, text_of(l), NULL, now);
    pool_retire(u->env->pool, u);
    return UINT64_MAX;
}
