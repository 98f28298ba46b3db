/* SPDX-License-Identifier: Apache-2.0 */
#include "lifetimes.h"
#include "conn.h"
#include "upconn.h"

#include "mtlsd/proxy/lifetime.h"
#include "mtlsd/tls/tls_identity.h"

enum {
    SECOND_US = 1000 * 1000,
    LATER_US = 60 * SECOND_US,    /* what still shakes hands may come to present an earlier certificate */
    AT_MOST_US = 600 * SECOND_US, /* the clock of the certificates may be set meanwhile */
    AT_LEAST_MS = 1000,
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- certificates ---- */

static bool may_stay(const struct worker *w, const struct tls_identity_facts *facts)
{
    const struct config_identity *conf = config_find_identity(w->snapshot->config, facts->name);
    return conf != NULL && conf->keep_connections;
}

/* there: what its other end is shown now; NULL: nothing. */
static struct lifetime by_certificate(const struct worker *w, struct link *link, struct tls_context *there, struct moment now)
{
    struct tls_identity_facts facts;
    const struct tls_identity *old = link->tls != NULL ? tls_engine_replaced(link->tls, there) : NULL;
    if (old == NULL)
        return lifetime_unbounded();
    if (tls_identity_is_withdrawn(old))
        return lifetime_withdrawn(now);
    tls_identity_facts(old, &facts);
    return may_stay(w, &facts) ? lifetime_unbounded() : lifetime_by_certificate(facts.not_after, now);
}

/* ---- one connection ---- */

static uint64_t look_at_uplink(const struct worker *w, struct uplink *u, bool tcp, struct moment now)
{
    const struct config_upstream *conf = u->target->upstream->conf;
    bool current = u->target->upstream->owner == w->snapshot;
    const struct plan_target *there = current ? u->target : snapshot_find_target(w->snapshot, u->target);
    struct lifetime by_age = lifetime_by_age(&(struct lifetime_rule){conf->max_age_ms, conf->age_grace_ms, tcp}, u->at.begun_us);
    struct lifetime by_cert = by_certificate(w, &u->link, there != NULL ? there->tls : NULL, now), l = lifetime_shorter(&by_age, &by_cert);
    uint64_t next = uplink_live(u, &l, now);
    return !current && u->phase < UPLINK_OPEN ? smaller(next, now.us + LATER_US) : next;
}

static uint64_t look_at(struct conn *c, struct moment now)
{
    const struct worker *w = c->worker;
    const struct plan_listener *there = conn_listener(c), *listener = there != NULL ? there : client_listener(c->client);
    const struct config_listener *conf = listener->conf;
    bool tcp = conf->protocol == CONFIG_PROTOCOL_TCP;
    uint64_t next = UINT64_MAX;
    for (struct uplink *u = client_next_uplink(c->client, NULL), *following; u != NULL; u = following) {
        following = client_next_uplink(c->client, u);
        next = smaller(next, look_at_uplink(w, u, tcp, now));
    }
    struct lifetime by_age = lifetime_by_age(&(struct lifetime_rule){conf->max_age_ms, conf->age_grace_ms, tcp}, client_begun_us(c->client));
    struct lifetime by_cert = by_certificate(w, client_link(c->client), there != NULL ? there->tls : NULL, now);
    struct lifetime l = lifetime_shorter(&by_age, &by_cert);
    return smaller(next, client_live(c->client, &l, now));
}

/* ---- all of them, now and then ---- */

/* When one that begins now could have to end. */
static uint64_t of_new_ones(const struct config *config, struct moment now)
{
    uint64_t least_ms = 0;
    for (size_t i = 0; i < config->n_listeners; i++)
        if (config->listeners[i].max_age_ms > 0 && (least_ms == 0 || config->listeners[i].max_age_ms < least_ms))
            least_ms = config->listeners[i].max_age_ms;
    for (size_t i = 0; i < config->n_upstreams; i++)
        if (config->upstreams[i].max_age_ms > 0 && (least_ms == 0 || config->upstreams[i].max_age_ms < least_ms))
            least_ms = config->upstreams[i].max_age_ms;
    return least_ms > 0 ? now.us + lifetime_least_us(least_ms) : UINT64_MAX;
}

static void on_time(uv_timer_t *timer);

static void look_again_at(struct worker *w, uint64_t at_us, struct moment now)
{
    uint64_t wait_us = at_us > now.us ? smaller(at_us - now.us, AT_MOST_US) : 0, wait_ms = wait_us / 1000 + 1;
    if (at_us != UINT64_MAX)
        uv_timer_start(&w->lifetimes, on_time, wait_ms > AT_LEAST_MS ? wait_ms : AT_LEAST_MS, 0);
}

static void on_time(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    struct moment now = worker_now();
    uint64_t next = of_new_ones(w->snapshot->config, now);
    for (struct conn *c = w->conns; c != NULL; c = c->next)
        if (c->client != NULL && !c->closing)
            next = smaller(next, look_at(c, now));
    look_again_at(w, next, now);
    worker_pump(w, now);
}

/* ---- life ---- */

void lifetimes_init(struct worker *w)
{
    uv_timer_init(w->loop, &w->lifetimes);
    w->lifetimes.data = w;
    look_again_at(w, of_new_ones(w->snapshot->config, worker_now()), worker_now());
}

void lifetimes_close(struct worker *w)
{
    uv_close((uv_handle_t *)&w->lifetimes, NULL);
}

void lifetimes_follow(struct worker *w)
{
    uv_timer_start(&w->lifetimes, on_time, AT_LEAST_MS, 0);
}

void lifetimes_expect(struct worker *w)
{
    if (!uv_is_active((uv_handle_t *)&w->lifetimes) || uv_timer_get_due_in(&w->lifetimes) > LATER_US / 1000)
        uv_timer_start(&w->lifetimes, on_time, LATER_US / 1000, 0);
}
