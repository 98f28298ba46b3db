/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from a client and to it, in each phase; and its part of a turn. */
#include "exchange_internal.h"

enum { ANSWERS_MARK = 4 * OUTPUT_MARK };

/* ---- bytes in ---- */

static void wait(struct client *c, struct span in, struct moment now)
{
    if (client_hold(c, in) && c->exchanges.first != NULL)
        exchange_look_for_login(c->exchanges.first, now);
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
    else if (c->exchanges.first != NULL && c->exchanges.first->phase == EXCHANGE_ACTIVE && !exchange_join_holds_client(c->exchanges.first))
        exchange_raw_in(c->exchanges.first, in, now);
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
    } else if (c->exchanges.first != NULL) {
        exchange_raw_ended(c->exchanges.first, now);
    }
}

void client_on_wire(struct client *c, struct span wire, struct moment now)
{
    if (c->phase == CLIENT_DONE || c->link.broken || (c->phase == CLIENT_LINGER && c->opening.talk != NULL))
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
    struct exchange *x = c->exchanges.first;
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
    if (c->phase == CLIENT_DONE || c->is.ended || c->is.waits)
        return false;
    if (c->phase == CLIENT_PROXY_HEADER || c->phase == CLIENT_HELLO || c->phase == CLIENT_SNIFF)
        return true;
    if (c->held.len > 0)
        return c->is.fresh || (c->exchanges.first != NULL && exchange_wants_login(c->exchanges.first));
    if (c->link.h2 != NULL) /* windows bound what can come; what we answer to frames waits here */
        return link_pending(&c->link) < ANSWERS_MARK;
    return c->phase == CLIENT_LINGER || c->exchanges.first == NULL || exchange_takes_body(c->exchanges.first);
}

static bool may_deliver(const struct client *c)
{
    if (c->held.len == 0 || c->is.fresh)
        return false;
    if (c->phase == CLIENT_SNIFF)
        return true;
    if (c->phase != CLIENT_OPEN || (c->http != NULL && !client_http_may_read(c)))
        return false; /* the next request waits for the answer to this one */
    const struct exchange *x = c->exchanges.first;
    return x == NULL || (x->phase == EXCHANGE_ACTIVE && exchange_takes_body(x) && !exchange_join_holds_client(x));
}

/* False: nothing came of it. */
static bool deliver_held(struct client *c, struct moment now)
{
    struct bytes held;
    bytes_init(&held, CLIENT_HELD_MAX);
    bytes_take(&c->held, &held);
    size_t before = held.len;
    enum client_phase phase = c->phase;
    client_deliver(c, bytes_span(&held), now);
    link_settle_all(&c->env->run); /* the borrowed bytes end with this block */
    bytes_clear(&held);
    if (c->is.ended && c->phase == CLIENT_OPEN && client_is_http(c))
        client_http_ended(c, now);
    else if (c->exchanges.first != NULL && c->exchanges.first->raw)
        exchange_raw_ended(c->exchanges.first, now);
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
    for (struct exchange *x = c->exchanges.first; x != NULL; x = x->next)
        exchange_report(x, REASON_INTERNAL, "out of memory", now);
    if (c->exchanges.first == NULL && c->phase != CLIENT_LINGER)
        client_report(c, REASON_INTERNAL, "out of memory", NULL, now);
    c->is.reset = true;
    client_finish(c, now);
}

void client_settle(struct client *c, struct moment now)
{
    link_settle(&c->link);
    if (c->link.h2 != NULL && !c->link.place.held && link_pending(&c->link) > 0) /* what is held was not offered to the socket yet */
        http2_note_unsent(c->link.h2);
    for (struct exchange *x = c->link.place.held ? NULL : c->exchanges.first; x != NULL; x = x->next) /* held: pump_held ends the turn, once for many answers */
        exchange_settle(x, now);
    client_time_settle(c);
    end_if_broken(c, now);
    if (c->exchanges.over != NULL)
        client_sweep(c);
}
