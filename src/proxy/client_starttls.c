/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a client before its TLS: it asks in plaintext to start TLS here (proxy/starttls.h), or begins TLS with the server behind, of which only
 * the ClientHello is read. */
#include "exchange_internal.h"

#include "mtlsd/tls/tls_hello.h"

#include <stdlib.h>

static void broken(struct client *c)
{
    c->link.broken = c->link.lost = true;
    run_touch(&c->link);
}

static void say(struct client *c)
{
    link_write_raw(&c->link, bytes_span(&c->opening.talk->out));
    bytes_consume(&c->opening.talk->out, c->opening.talk->out.len);
}

/* The last words to it still leave. */
static void refuse(struct client *c, enum reason reason, const char *text, struct moment now)
{
    client_failed(c, reason, text, NULL, now);
    if (link_pending(&c->link) == 0)
        return;
    c->is.reset = false;
    c->link.end_wanted = c->link.end_said = true;
    client_enter(c, CLIENT_LINGER, now);
}

void client_starttls_clear(struct client *c)
{
    if (c->opening.talk != NULL)
        starttls_clear(c->opening.talk);
    free(c->opening.talk);
    c->opening.talk = NULL;
    if (c->opening.hello != NULL)
        tls_hello_clear(c->opening.hello);
    free(c->opening.hello);
    c->opening.hello = NULL;
}

static void begin_talk(struct client *c, enum config_starttls kind, struct moment now)
{
    c->phase = CLIENT_STARTTLS;
    c->opening.talk = malloc(sizeof(*c->opening.talk));
    if (c->opening.talk == NULL) {
        broken(c);
        return;
    }
    starttls_init(c->opening.talk, kind, true);
    if (starttls_begin(c->opening.talk) != 0) {
        broken(c);
        return;
    }
    say(c);
    if (c->opening.talk->wants_greeting)
        exchange_raw_begin(c, now);
}

static void begin_hello(struct client *c)
{
    c->phase = CLIENT_HELLO;
    c->opening.hello = malloc(sizeof(*c->opening.hello));
    if (c->opening.hello == NULL)
        broken(c);
    else
        tls_hello_init(c->opening.hello);
}

void client_secure(struct client *c, struct moment now)
{
    const struct config_listener *conf = c->listener->conf;
    if (conf->passthrough)
        begin_hello(c);
    else if (c->link.tls == NULL)
        client_begin(c, now);
    else if (conf->tls.starttls != CONFIG_STARTTLS_OFF)
        begin_talk(c, conf->tls.starttls, now);
    else
        c->phase = CLIENT_HANDSHAKE; /* its time began with the connection */
}

/* ---- TLS starts here ---- */

static void start_tls(struct client *c, struct moment now)
{
    c->phase = CLIENT_HANDSHAKE;
    if (!c->opening.talk->direct)
        return;
    tls_engine_wire_in(c->link.tls, bytes_span(&c->opening.talk->in), now.utc);
    tls_engine_wire_keep(c->link.tls); /* before the bytes go */
    bytes_clear(&c->opening.talk->in);
    client_tls_in(c, now);
}

void client_starttls_conclude(struct client *c, enum reason verdict, const char *text, struct moment now)
{
    say(c);
    if (verdict == REASON_VALID)
        start_tls(c, now);
    else if (verdict != REASON_UNDECIDED)
        refuse(c, verdict, text, now);
}

void client_starttls_in(struct client *c, struct span wire, struct moment now)
{
    struct err err = {0};
    enum reason verdict = starttls_in(c->opening.talk, wire, &err);
    client_starttls_conclude(c, verdict, err.text, now);
}

void client_starttls_ended(struct client *c, struct moment now)
{
    struct err err = {0};
    if (c->opening.talk != NULL)
        starttls_eof(c->opening.talk, &err);
    client_failed(c, REASON_CLIENT_CLOSED, c->opening.talk != NULL ? err.text : "the client closed before its ClientHello was complete", NULL, now);
}

/* ---- TLS that passes through ---- */

void client_hello_in(struct client *c, struct span wire, struct moment now)
{
    if (!client_hold(c, wire))
        return;
    switch (tls_hello_in(c->opening.hello, wire)) {
    case TLS_HELLO_MORE:
        return;
    case TLS_HELLO_BAD:
        refuse(c, REASON_TLS_FAILED, c->opening.hello->why, now);
        return;
    case TLS_HELLO_WHOLE:
        break;
    }
    const struct plan_route *route;
    struct err err = {0};
    enum reason reason = exchange_raw_route(c, c->listener, &route, &err);
    if (reason == REASON_VALID) {
        client_begin(c, now);
        return;
    }
    link_write_raw(&c->link, tls_hello_refusal());
    refuse(c, reason, err.text, now);
}
