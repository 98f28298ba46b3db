/* SPDX-License-Identifier: Apache-2.0 */
/* One more step of an uplink that opens itself: the server is asked in plaintext to start TLS (proxy/starttls.h). Nothing of a client leaves before
 * TLS stands and the server was verified. */
#include "uplink_internal.h"

#include <stdio.h>
#include <stdlib.h>

static void forget(struct uplink *u)
{
    if (u->opening.talk != NULL)
        starttls_clear(u->opening.talk);
    free(u->opening.talk);
    u->opening.talk = NULL;
}

void uplink_starttls_clear(struct uplink *u)
{
    forget(u);
}

static void say(struct uplink *u)
{
    link_write_raw(&u->link, bytes_span(&u->opening.talk->out));
    bytes_consume(&u->opening.talk->out, u->opening.talk->out.len);
}

static void failed(struct uplink *u, enum reason reason, const struct err *err, struct moment now)
{
    char text[700];
    snprintf(text, sizeof(text), "%s: %s", u->target->conf->text, err->text);
    uplink_fail(u, reason, text, NULL, now);
}

/* The handshake's time began with the talk. */
static void conclude(struct uplink *u, enum reason verdict, const struct err *err, struct moment now)
{
    if (verdict != REASON_VALID) {
        failed(u, verdict, err, now);
        return;
    }
    say(u);
    forget(u);
    u->phase = UPLINK_HANDSHAKE;
    tls_engine_start(u->link.tls, now.utc);
}

bool uplink_starttls_begin(struct uplink *u, struct moment now)
{
    enum config_starttls kind = u->target->upstream->conf->tls.starttls;
    if (kind == CONFIG_STARTTLS_OFF || u->link.tls == NULL)
        return false;
    uplink_enter(u, UPLINK_STARTTLS, now);
    u->opening.talk = malloc(sizeof(*u->opening.talk));
    if (u->opening.talk != NULL)
        starttls_init(u->opening.talk, kind, false);
    if (u->opening.talk == NULL || starttls_begin(u->opening.talk) != 0) {
        uplink_fail(u, REASON_INTERNAL, "out of memory", NULL, now);
        return true;
    }
    say(u);
    return true;
}

/* MySQL's server is asked with the flags of the client's login. Without a client, as in a health check, with ours. */
static enum reason ask_for_login(struct uplink *u, struct err *err, struct moment now)
{
    struct uplink_use *use = u->first;
    if (use == NULL || use->events->on_greeting == NULL)
        return starttls_login(u->opening.talk, NULL, err);
    use->events->on_greeting(use, bytes_span(&u->opening.talk->greeting), now);
    return REASON_UNDECIDED;
}

void uplink_starttls_in(struct uplink *u, struct span wire, struct moment now)
{
    struct err err = {0};
    bool asked = u->opening.talk->wants_client;
    enum reason verdict = starttls_in(u->opening.talk, wire, &err);
    if (verdict == REASON_UNDECIDED && u->opening.talk->wants_client && !asked)
        verdict = ask_for_login(u, &err, now);
    else if (verdict == REASON_UNDECIDED)
        say(u);
    if (verdict != REASON_UNDECIDED)
        conclude(u, verdict, &err, now);
}

bool uplink_wants_login(const struct uplink *u)
{
    return u->phase == UPLINK_STARTTLS && u->opening.talk->wants_client;
}

void uplink_login(struct uplink *u, const uint8_t login[STARTTLS_MYSQL_HEADER], struct moment now)
{
    struct err err = {0};
    run_touch(&u->link);
    enum reason verdict = starttls_login(u->opening.talk, login, &err);
    conclude(u, verdict, &err, now);
}

void uplink_starttls_ended(struct uplink *u, struct moment now)
{
    struct err err = {0};
    enum reason reason = starttls_eof(u->opening.talk, &err);
    failed(u, reason, &err, now);
}
