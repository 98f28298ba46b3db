/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients whose handshake waits for the answer of an OCSP responder. They are not read meanwhile, and the worker goes on with all others. Their number
 * is bounded, as each holds the place of another client (security A12).
 */
#include "exchange_internal.h"

#include <stdlib.h>

static bool has_room(struct client_waits *w)
{
    enum { FIRST_ROOM = 16 };
    if (w->n < w->room)
        return true;
    size_t room = w->room > 0 ? 2 * w->room : FIRST_ROOM;
    struct client **more = realloc(w->items, room * sizeof(struct client *));
    if (more == NULL)
        return false;
    w->items = more;
    w->room = room;
    return true;
}

static bool is_waiting(const struct client *c)
{
    return c->phase == CLIENT_HANDSHAKE && c->link.tls != NULL && !c->link.broken && (tls_engine_flags(c->link.tls) & TLS_WAITS) != 0;
}

/* Of one responder no more than half, so that those of others find room. */
static bool has_room_for(const struct client_waits *w, const struct client *c)
{
    size_t same = 0;
    for (size_t i = 0; i < w->n; i++)
        same += tls_engine_awaits(w->items[i]->link.tls) == tls_engine_awaits(c->link.tls);
    return w->n < w->most && same < (w->most + 1) / 2;
}

void client_wait_begin(struct client *c, struct moment now)
{
    struct client_waits *w = &c->env->waits;
    if (c->is.waits || !is_waiting(c))
        return;
    if (!has_room_for(w, c) || !has_room(w)) {
        tls_engine_look_again(c->link.tls, true, now.utc);
        return;
    }
    w->items[w->n++] = c;
    c->is.waits = true;
}

void client_wait_end(struct client *c)
{
    struct client_waits *w = &c->env->waits;
    size_t i = 0;
    if (!c->is.waits)
        return;
    while (w->items[i] != c)
        i++;
    w->items[i] = w->items[--w->n];
    c->is.waits = false;
}

/* From the end to the front, as the last one takes the place of one that leaves. */
void client_wait_look(struct proxy_env *env, struct moment now)
{
    for (size_t i = env->waits.n; i > 0; i--) {
        struct client *c = env->waits.items[i - 1];
        if (is_waiting(c))
            tls_engine_look_again(c->link.tls, false, now.utc);
        if (is_waiting(c))
            continue;
        client_wait_end(c);
        run_touch(&c->link);
        if (c->phase == CLIENT_HANDSHAKE && !c->link.broken)
            client_tls_in(c, now);
    }
}
