/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_internal.h"

#include <stdlib.h>

enum { IDENTITY_MAX = 256 * 1024 };

bool client_is_http(const struct client *c)
{
    return c->http != NULL || c->link.h2 != NULL;
}

/* Nothing was read of a message that has not begun yet. */
static bool reads_nothing(const struct client *c)
{
    return c->link.h2 != NULL ? http2_is_idle(c->link.h2) : http1_is_idle(c->http);
}

bool client_is_between(const struct client *c)
{
    return client_is_idle(c) && c->held.len == 0 && reads_nothing(c);
}

struct client *client_of(struct link *l)
{
    return (struct client *)l;
}

struct link *client_link(struct client *c)
{
    return &c->link;
}

const struct plan_listener *client_listener(const struct client *c)
{
    return c->listener;
}

/* Exchanges may share one: it counts where it comes first. */
static bool came_before(const struct client *c, const struct exchange *x)
{
    const struct exchange *at = c->exchanges.first;
    while (at != x && at->use.uplink != x->use.uplink)
        at = at->next;
    return at != x;
}

struct uplink *client_next_uplink(const struct client *c, const struct uplink *before)
{
    bool seen = before == NULL;
    for (const struct exchange *x = c->exchanges.first; x != NULL; x = x->next) {
        struct uplink *u = x->use.uplink;
        if (u != NULL && seen && !came_before(c, x))
            return u;
        seen = seen || u == before;
    }
    return NULL;
}

/* ---- life ---- */

void client_begin(struct client *c, struct moment now)
{
    client_enter(c, CLIENT_OPEN, now);
    if (c->exchanges.first != NULL)
        exchange_raw_resume(c->exchanges.first, now);
    else if (c->listener->conf->protocol == CONFIG_PROTOCOL_HTTP)
        client_http_begin(c, now);
    else
        exchange_raw_begin(c, now);
}

void client_ask_caller(struct client *c, const struct plan_listener *listener)
{
    const struct run_driver *driver = c->env->run.drivers[LINK_CLIENT];
    if (listener->limits != NULL && c->who.program == NULL && driver != NULL && driver->ask_caller != NULL)
        c->who.program = driver->ask_caller(c->link.socket);
}

/* False: it cannot be served. */
static bool begin(struct client *c, struct moment now, struct err *err)
{
    const struct plan_listener *listener = c->listener;
    bool told = listener->conf->accept_proxy_protocol;
    client_ask_caller(c, listener);
    if (!told && !client_count_in(c, now))
        return true; /* it was refused in its own words */
    if (listener->tls != NULL && (c->link.tls = tls_engine_new(listener->tls, c->env->tickets, client_tls_accept, c, err)) == NULL)
        return false;
    if (listener->conf->tls.starttls == CONFIG_STARTTLS_MYSQL)
        tls_engine_ends_plainly(c->link.tls);
    if (told)
        c->phase = CLIENT_PROXY_HEADER;
    else
        client_secure(c, now);
    return true;
}

struct client *client_new(struct proxy_env *env, const struct plan_listener *listener, const struct client_address *address, void *socket,
                          struct moment now, struct err *err)
{
    struct client *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    c->env = env;
    c->listener = listener;
    c->who.address = *address;
    link_init(&c->link, LINK_CLIENT, &env->run);
    c->link.socket = socket;
    bytes_init(&c->held, CLIENT_HELD_MAX);
    bytes_init(&c->who.identity, IDENTITY_MAX);
    c->at.begun_us = c->at.active_us = c->at.since_us = now.us;
    if (!begin(c, now, err)) {
        client_free(c);
        return NULL;
    }
    run_touch(&c->link);
    return c;
}

static void abandon_all(struct client *c)
{
    while (c->exchanges.first != NULL)
        exchange_abandon(c->exchanges.first);
}

void client_free(struct client *c)
{
    if (c == NULL)
        return;
    client_count_out(c);
    client_wait_end(c);
    abandon_all(c);
    client_sweep(c);
    if (c->session != NULL)
        c->env->observer.on_session_end(c->env->observer.ctx, c->session);
    link_clear(&c->link);
    http1_free(c->http);
    client_starttls_clear(c);
    bytes_clear(&c->held);
    bytes_clear(&c->who.identity);
    free(c->tunnel);
    free(c->who.program);
    free(c);
}

void client_enter(struct client *c, enum client_phase phase, struct moment now)
{
    run_touch(&c->link);
    client_wait_end(c);
    c->phase = phase;
    c->at.since_us = c->at.active_us = now.us;
    if (phase == CLIENT_LINGER) {
        bytes_clear(&c->held); /* dropped like what follows it: while it stood here nothing more would be read */
        client_time_linger(c, now);
    }
}

void client_finish(struct client *c, struct moment now)
{
    abandon_all(c);
    client_enter(c, CLIENT_DONE, now);
}

void client_linger(struct client *c, struct moment now)
{
    link_end(&c->link);
    client_enter(c, CLIENT_LINGER, now);
}

bool client_hold(struct client *c, struct span rest)
{
    if (bytes_append_span(&c->held, rest) == 0)
        return true;
    c->link.broken = true;
    return false;
}

/* ---- telling ---- */

void client_report(struct client *c, enum reason reason, const char *detail, const char *hint, struct moment now)
{
    struct tls_facts facts;
    struct report r = {
        .kind = REPORT_CONNECTION,
        .listener = c->listener,
        .client = c->who.address.text,
        .from = {.session = c->session, .program = c->who.program},
        .hello = c->opening.hello,
        .reason = reason,
        .would_refuse = c->is.would_refuse ? REASON_NOT_ALLOWED : REASON_UNDECIDED,
        .detail = detail,
        .hint = hint,
        .took = {.total_us = now.us - c->at.since_us},
    };
    if (c->link.tls != NULL) {
        tls_engine_facts(c->link.tls, &facts);
        r.down = &facts;
    }
    c->env->observer.on_report(c->env->observer.ctx, &r);
}

void client_failed(struct client *c, enum reason reason, const char *text, const char *hint, struct moment now)
{
    if (c->phase == CLIENT_DONE || c->phase == CLIENT_LINGER)
        return;
    bool gone = reason == REASON_TRUNCATED || reason == REASON_CLIENT_CLOSED;
    bool idle = gone && client_is_idle(c) && reads_nothing(c);
    for (struct exchange *x = c->exchanges.first; x != NULL; x = x->next) {
        x->answer.hint = hint;
        exchange_report(x, reason, text, now);
    }
    if (c->exchanges.first == NULL && !idle)
        client_report(c, reason, text, hint, now);
    c->is.reset = !idle;
    client_finish(c, now);
}

/* The gate is asked about this client. */
struct admit_place client_place(const struct client *c, const struct plan_listener *listener)
{
    struct admit_place at = {.conf = listener->conf, .by_host = listener->by_host, .limits = listener->limits, .required = listener->required, .caller = c->who.program, .tunnel = c->tunnel};
    if (c->who.address.known) {
        at.local = c->who.address.local;
        at.n_local = c->who.address.v6 ? 16 : 4;
        at.local_port = c->who.address.local_port;
    }
    if (c->link.tls != NULL) {
        struct tls_facts facts;
        tls_engine_facts(c->link.tls, &facts);
        at.verdict = facts.verdict;
        at.peer = facts.peer;
        at.sni = facts.sni;
        at.policy = facts.policy;
    }
    return at;
}

/* ---- asked by the driver ---- */

bool client_is_done(const struct client *c, bool *reset)
{
    *reset = c->is.reset;
    return c->phase == CLIENT_DONE;
}

bool client_is_idle(const struct client *c)
{
    return c->phase == CLIENT_OPEN && client_is_http(c) && c->exchanges.first == NULL; /* a part of the next head may be here: nothing was made of it yet */
}

bool client_may_move(const struct client *c)
{
    bool beside = c->phase == CLIENT_OPEN && c->link.h2 != NULL && !c->is.last;
    return beside || client_is_idle(c) || client_is_handshaking(c);
}

static bool is_used(const struct exchange *x, const struct plan_listener *listener)
{
    while (x != NULL && x->listener != listener)
        x = x->next;
    return x != NULL;
}

bool client_uses(const struct client *c, const struct plan_listener *listener)
{
    return c->listener == listener || is_used(c->exchanges.first, listener) || is_used(c->exchanges.over, listener);
}

bool client_is_handshaking(const struct client *c)
{
    return c->phase < CLIENT_OPEN && c->exchanges.first == NULL; /* MySQL's has an exchange already, which belongs to this listener */
}

uint64_t client_idle_since_us(const struct client *c, bool *fresh)
{
    *fresh = !c->is.served;
    bool idle = client_is_idle(c) && c->at.head_us == 0 && c->held.len == 0 && link_pending(&c->link) == 0;
    return idle ? c->at.since_us : UINT64_MAX;
}

bool client_holds_next(const struct client *c)
{
    return c->held.len > 0;
}
