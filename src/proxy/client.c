/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_internal.h"

#include <stdlib.h>

enum { HELD_MAX = 1024 * 1024 /* one turn's bytes; reading stops while anything is held */, IDENTITY_MAX = 256 * 1024, ANSWERS_MARK = 4 * OUTPUT_MARK };

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
    const struct exchange *at = c->first;
    while (at != x && at->use.uplink != x->use.uplink)
        at = at->next;
    return at != x;
}

struct uplink *client_next_uplink(const struct client *c, const struct uplink *before)
{
    bool seen = before == NULL;
    for (const struct exchange *x = c->first; x != NULL; x = x->next) {
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
    if (c->first != NULL)
        exchange_raw_resume(c->first, now);
    else if (c->listener->conf->protocol == CONFIG_PROTOCOL_HTTP)
        client_http_begin(c, now);
    else
        exchange_raw_begin(c, now);
}

/* False: it cannot be served. */
static bool begin(struct client *c, struct moment now, struct err *err)
{
    const struct plan_listener *listener = c->listener;
    bool told = listener->conf->accept_proxy_protocol;
    if (!told && !client_count_in(c, now))
        return true; /* it was refused in its own words */
    if (listener->tls != NULL && (c->link.tls = tls_engine_new(listener->tls, c->env->tickets, client_tls_accept, c, err)) == NULL)
        return false;
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
    c->address = *address;
    link_init(&c->link, LINK_CLIENT, &env->run);
    c->link.socket = socket;
    bytes_init(&c->held, HELD_MAX);
    bytes_init(&c->identity, IDENTITY_MAX);
    c->at.active_us = c->at.since_us = now.us;
    if (!begin(c, now, err)) {
        client_free(c);
        return NULL;
    }
    run_touch(&c->link);
    return c;
}

static void abandon_all(struct client *c)
{
    while (c->first != NULL)
        exchange_abandon(c->first);
}

void client_free(struct client *c)
{
    if (c == NULL)
        return;
    client_count_out(c);
    abandon_all(c);
    client_sweep(c);
    link_clear(&c->link);
    http1_free(c->http);
    client_starttls_clear(c);
    bytes_clear(&c->held);
    bytes_clear(&c->identity);
    free(c->tunnel);
    free(c);
}

void client_enter(struct client *c, enum client_phase phase, struct moment now)
{
    run_touch(&c->link);
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
        .client = c->address.text,
        .hello = c->hello,
        .reason = reason,
        .would_refuse = c->is.would_refuse ? REASON_NOT_ALLOWED : REASON_UNDECIDED,
        .detail = detail,
        .hint = hint,
        .refused_by = report_blame(reason),
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
    for (struct exchange *x = c->first; x != NULL; x = x->next) {
        x->hint = hint;
        exchange_report(x, reason, text, now);
    }
    if (c->first == NULL && !idle)
        client_report(c, reason, text, hint, now);
    c->is.reset = !idle;
    client_finish(c, now);
}

/* The gate is asked about this client. */
struct admit_place client_place(const struct client *c, const struct plan_listener *listener)
{
    struct admit_place at = {.conf = listener->conf, .by_host = listener->by_host, .tunnel = c->tunnel};
    if (c->address.known) {
        at.local = c->address.local;
        at.n_local = c->address.v6 ? 16 : 4;
        at.local_port = c->address.local_port;
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

/* ---- bytes in ---- */

static void wait(struct client *c, struct span in, struct moment now)
{
    if (client_hold(c, in) && c->first != NULL)
        exchange_look_for_login(c->first, now);
}

void client_deliver(struct client *c, struct span in, struct moment now)
{
    if (c->phase == CLIENT_LINGER || c->phase == CLIENT_DONE)
        return;
    if (c->phase == CLIENT_SNIFF)
        client_sniff(c, in, now);
    else if (c->is.fresh)
        client_http_first(c, in, now);
    else if (c->held.len > 0)
        wait(c, in, now);
    else if (c->link.h2 != NULL)
        client_http2_in(c, in, now);
    else if (c->http != NULL)
        client_http_in(c, in, now);
    else if (c->first != NULL && c->first->phase == EXCHANGE_ACTIVE && !exchange_join_holds_client(c->first))
        exchange_raw_in(c->first, in, now);
    else
        wait(c, in, now);
}

void client_ended(struct client *c, struct moment now)
{
    if (c->is.ended || c->phase == CLIENT_DONE)
        return;
    c->is.ended = true;
    c->is.fresh = false;
    if (c->phase == CLIENT_LINGER) {
        if (link_pending(&c->link) == 0)
            client_enter(c, CLIENT_DONE, now);
    } else if (c->phase == CLIENT_SNIFF) {
        client_sniff_ended(c, now);
    } else if (client_is_http(c)) {
        client_http_ended(c, now);
    } else if (c->first != NULL) {
        exchange_raw_ended(c->first, now);
    }
}

void client_on_wire(struct client *c, struct span wire, struct moment now)
{
    if (c->phase == CLIENT_DONE || c->link.broken || (c->phase == CLIENT_LINGER && c->talk != NULL))
        return;
    run_touch(&c->link);
    c->at.active_us = now.us;
    if (c->phase == CLIENT_LINGER && client_http2_floods(c, wire.len)) {
        c->is.reset = true;
        client_enter(c, CLIENT_DONE, now);
        return;
    }
    if (c->phase == CLIENT_PROXY_HEADER) {
        client_header_in(c, wire, now);
    } else if (c->phase == CLIENT_STARTTLS) {
        client_starttls_in(c, wire, now);
    } else if (c->phase == CLIENT_HELLO) {
        client_hello_in(c, wire, now);
    } else if (c->link.tls == NULL) {
        client_deliver(c, wire, now);
    } else {
        tls_engine_wire_in(c->link.tls, wire, now.utc);
        client_tls_in(c, now);
    }
}

void client_on_eof(struct client *c, struct moment now)
{
    if (c->phase == CLIENT_DONE)
        return;
    run_touch(&c->link);
    c->at.active_us = now.us;
    if (c->phase == CLIENT_LINGER) {
        c->is.ended = true;
        if (link_pending(&c->link) == 0)
            client_enter(c, CLIENT_DONE, now);
    } else if (c->phase == CLIENT_PROXY_HEADER) {
        client_header_ended(c, now);
    } else if (c->phase == CLIENT_STARTTLS || c->phase == CLIENT_HELLO) {
        client_starttls_ended(c, now);
    } else if (c->link.tls == NULL) {
        client_ended(c, now);
    } else if (!c->link.broken) {
        tls_engine_wire_eof(c->link.tls, now.utc);
        client_tls_in(c, now);
    }
}

void client_on_error(struct client *c, const char *text, struct moment now)
{
    if (c->phase == CLIENT_DONE)
        return;
    run_touch(&c->link);
    if (link_is_handshaking(&c->link) && !c->link.broken) { /* the engine knows better what that means */
        tls_engine_wire_eof(c->link.tls, now.utc);
        client_tls_in(c, now);
    }
    c->link.broken = true;
    gather_clear(&c->link.out);
    c->link.end_said = c->link.end_wanted = true;
    if (c->phase != CLIENT_LINGER)
        client_failed(c, REASON_CLIENT_CLOSED, text, NULL, now);
    client_finish(c, now);
}

void client_on_sent(struct client *c, size_t n, struct moment now)
{
    link_sent(&c->link, n);
    c->at.active_us = now.us;
    if (n > 0)
        c->at.stall_us = 0; /* it takes something: recorded again when the turn ends */
    struct exchange *x = c->first;
    if (x != NULL) {
        if (c->link.h2 == NULL)
            x->at.active_us = now.us;
        if (x->use.uplink != NULL && c->link.h2 == NULL && link_made_room(&c->link, n, OUTPUT_MARK))
            run_touch(&x->use.uplink->link); /* it may be read on */
        if (x->raw && c->link.h2 == NULL && x->phase == EXCHANGE_ACTIVE)
            exchange_raw_ended(x, now);
    }
    if (c->phase != CLIENT_LINGER || link_pending(&c->link) > 0)
        return;
    if (c->is.ended)
        client_enter(c, CLIENT_DONE, now);
    else if (n > 0)
        client_time_all_said(c, now);
}

/* ---- for pump ---- */

bool client_wants_read(const struct client *c)
{
    if (c->phase == CLIENT_DONE || c->is.ended)
        return false;
    if (c->phase == CLIENT_PROXY_HEADER || c->phase == CLIENT_HELLO || c->phase == CLIENT_SNIFF)
        return true;
    if (c->held.len > 0)
        return c->is.fresh || (c->first != NULL && exchange_wants_login(c->first));
    if (c->link.h2 != NULL) /* windows bound what can come; what we answer to frames waits here */
        return link_pending(&c->link) < ANSWERS_MARK;
    return c->phase == CLIENT_LINGER || c->first == NULL || exchange_takes_body(c->first);
}

static bool may_deliver(const struct client *c)
{
    if (c->held.len == 0 || c->is.fresh)
        return false;
    if (c->phase == CLIENT_SNIFF)
        return true;
    if (c->phase != CLIENT_OPEN || (c->http != NULL && !client_http_may_read(c)))
        return false; /* the next request waits for the answer to this one */
    const struct exchange *x = c->first;
    return x == NULL || (x->phase == EXCHANGE_ACTIVE && exchange_takes_body(x) && !exchange_join_holds_client(x));
}

/* False: nothing came of it. */
static bool deliver_held(struct client *c, struct moment now)
{
    struct bytes held;
    bytes_init(&held, HELD_MAX);
    bytes_take(&c->held, &held);
    size_t before = held.len;
    enum client_phase phase = c->phase;
    client_deliver(c, bytes_span(&held), now);
    run_settle(&c->env->run); /* the borrowed bytes end with this block */
    bytes_clear(&held);
    if (c->is.ended && c->phase == CLIENT_OPEN && client_is_http(c))
        client_http_ended(c, now);
    else if (c->first != NULL && c->first->raw)
        exchange_raw_ended(c->first, now);
    return c->held.len < before || c->phase != phase; /* what was only looked at is held for the phase it led to */
}

bool client_continue(struct client *c, struct moment now)
{
    bool failed = c->link.tls != NULL && !c->link.broken && (tls_engine_flags(c->link.tls) & TLS_FAILED); /* it may fail while it writes */
    if (failed && c->phase != CLIENT_DONE)
        client_tls_look(c, now);
    if (c->link.h2 != NULL)
        client_http2_continue(c, now);
    return (may_deliver(c) && deliver_held(c, now)) || failed;
}

/* Memory ran out and something of the answer is lost: what the client has must not look whole. */
static void end_if_broken(struct client *c, struct moment now)
{
    if (!c->link.broken || c->phase == CLIENT_DONE || (c->link.tls != NULL && (tls_engine_flags(c->link.tls) & TLS_FAILED)))
        return;
    for (struct exchange *x = c->first; x != NULL; x = x->next)
        exchange_report(x, REASON_INTERNAL, "out of memory", now);
    if (c->first == NULL && c->phase != CLIENT_LINGER)
        client_report(c, REASON_INTERNAL, "out of memory", NULL, now);
    c->is.reset = true;
    client_finish(c, now);
}

void client_settle(struct client *c, struct moment now)
{
    link_settle(&c->link);
    for (struct exchange *x = c->first; x != NULL; x = x->next)
        exchange_settle(x, now);
    client_time_settle(c);
    end_if_broken(c, now);
    client_sweep(c);
}

bool client_is_done(const struct client *c, bool *reset)
{
    *reset = c->is.reset;
    return c->phase == CLIENT_DONE;
}

bool client_is_idle(const struct client *c)
{
    return c->phase == CLIENT_OPEN && client_is_http(c) && c->first == NULL; /* a part of the next head may be here: nothing was made of it yet */
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
    return c->listener == listener || is_used(c->first, listener) || is_used(c->over, listener);
}

bool client_is_handshaking(const struct client *c)
{
    return c->phase < CLIENT_OPEN && c->first == NULL; /* MySQL's has an exchange already, which belongs to this listener */
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
