/* SPDX-License-Identifier: Apache-2.0 */
/* A tcp connection of which one side, or both, began in plaintext: what still changes in its streams (proxy/starttls_join.h), and MySQL's greeting and
 * login, which each side needs of the other before TLS stands. */
#include "exchange_internal.h"

#include <stdlib.h>

enum { PACKET_HEAD = 4, WRITTEN_MAX = 2 * 1024 * 1024 };

static enum config_starttls kind_of(const struct config_tls *tls)
{
    return tls->present ? tls->starttls : CONFIG_STARTTLS_OFF;
}

bool exchange_join_new(struct exchange *x)
{
    enum config_starttls down = kind_of(&x->listener->conf->tls), up = kind_of(&x->way.route->upstream->conf->tls);
    if (down == CONFIG_STARTTLS_OFF && up == CONFIG_STARTTLS_OFF)
        return true;
    x->rare.join = malloc(sizeof(*x->rare.join));
    if (x->rare.join == NULL)
        return false;
    starttls_join_init(x->rare.join, down != CONFIG_STARTTLS_OFF ? down : up, down != CONFIG_STARTTLS_OFF, up != CONFIG_STARTTLS_OFF);
    return true;
}

void exchange_join_clear(struct exchange *x)
{
    if (x->rare.join != NULL)
        starttls_join_clear(x->rare.join);
    free(x->rare.join);
    x->rare.join = NULL;
}

static void fail(struct exchange *x, enum reason reason, const char *text, struct moment now)
{
    exchange_report(x, reason, text, now);
    exchange_finish(x, false, now);
}

/* Writes what goes to each side; it is little, and gone from here once the login is over. */
static void write_both(struct exchange *x, struct bytes *to_client, struct bytes *to_server)
{
    if (to_client->len > 0) {
        x->bytes.out += to_client->len;
        link_write_take(&x->client->link, to_client);
    }
    if (to_server->len > 0)
        link_write_take(&x->use.uplink->link, to_server);
}

void exchange_join_pass(struct exchange *x, bool from_client, struct span in, struct moment now)
{
    struct err err = {0};
    struct bytes to_client, to_server;
    bytes_init(&to_client, WRITTEN_MAX);
    bytes_init(&to_server, WRITTEN_MAX);
    enum reason verdict = starttls_join_pass(x->rare.join, from_client, in, &to_client, &to_server, &err);
    write_both(x, &to_client, &to_server);
    bytes_clear(&to_client);
    bytes_clear(&to_server);
    if (x->rare.join->over)
        exchange_join_clear(x);
    if (verdict != REASON_VALID)
        fail(x, verdict, err.text, now);
    else if (!from_client)
        run_touch(&x->client->link); /* it may have been held */
}

void exchange_join_open(struct exchange *x)
{
    struct bytes to_client;
    bytes_init(&to_client, STARTTLS_IN_MAX);
    if (starttls_join_begin(x->rare.join, &to_client) != 0)
        x->client->link.broken = x->client->link.lost = true;
    x->bytes.out += to_client.len;
    link_write_take(&x->client->link, &to_client);
    if (x->rare.join->over)
        exchange_join_clear(x);
}

bool exchange_join_holds_client(const struct exchange *x)
{
    return x->rare.join != NULL && x->rare.join->holds_client;
}

/* ---- MySQL ---- */

bool exchange_wants_greeting(const struct exchange *x)
{
    return x->client->opening.talk != NULL && x->client->opening.talk->wants_greeting;
}

void exchange_greeting_in(struct exchange *x, struct span in, struct moment now)
{
    struct client *c = x->client;
    struct err err = {0};
    x->tries.greeted = true;
    enum reason verdict = starttls_greet(c->opening.talk, in, &err);
    client_starttls_conclude(c, verdict, err.text, now);
}

/* Towards a client that does not start TLS itself. */
static void show_greeting(struct exchange *x, struct span greeting)
{
    struct bytes shown;
    x->tries.greeted = true;
    bytes_init(&shown, STARTTLS_IN_MAX);
    if (bytes_append_span(&shown, greeting) != 0)
        x->client->link.broken = x->client->link.lost = true;
    else
        starttls_offer(&shown, false);
    link_write_take(&x->client->link, &shown);
}

void exchange_on_greeting(struct uplink_use *use, struct span greeting, struct moment now)
{
    struct exchange *x = exchange_of(use);
    if (exchange_wants_greeting(x))
        exchange_greeting_in(x, greeting, now);
    else
        show_greeting(x, greeting);
}

bool exchange_wants_login(const struct exchange *x)
{
    return x->use.uplink != NULL && uplink_wants_login(x->use.uplink);
}

/* The flags at the begin of what the client said; the rest of its login waits here until TLS stands. */
void exchange_look_for_login(struct exchange *x, struct moment now)
{
    struct client *c = x->client;
    if (!exchange_wants_login(x))
        return;
    if (c->opening.talk != NULL) {
        if (c->phase == CLIENT_OPEN)
            uplink_login(x->use.uplink, c->opening.talk->login, now);
        return;
    }
    if (c->held.len < PACKET_HEAD + STARTTLS_MYSQL_HEADER)
        return;
    const uint8_t *packet = bytes_span(&c->held).ptr;
    bool is_login = packet[2] == 0 && packet[0] + 256 * packet[1] >= STARTTLS_MYSQL_HEADER && packet[3] == 1;
    if (is_login)
        uplink_login(x->use.uplink, packet + PACKET_HEAD, now);
    else
        fail(x, REASON_STARTTLS_FAILED, "the client does not speak MySQL's protocol", now);
}
