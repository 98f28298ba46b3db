/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/pump.h"

#include "mtlsd/proxy/client.h"
#include "mtlsd/proxy/link.h"
#include "mtlsd/proxy/uplink.h"

enum { RUNS = 60 };

/* ---- the two kinds of links ---- */

static void told_sent(struct link *l, size_t n, struct moment now)
{
    if (l->end == LINK_CLIENT)
        client_on_sent(client_of(l), n, now);
    else
        uplink_on_sent(uplink_of(l), n, now);
}

static void told_failed(struct link *l, const struct run_failure *why, struct moment now)
{
    if (l->end == LINK_CLIENT)
        client_on_error(client_of(l), "the client closed the connection", now);
    else
        uplink_on_error(uplink_of(l), why, now);
}

static bool go_on(struct link *l, struct moment now)
{
    return l->end == LINK_CLIENT ? client_continue(client_of(l), now) : uplink_continue(uplink_of(l), now);
}

static bool is_over(const struct link *l, bool *reset)
{
    *reset = false;
    if (l->end == LINK_CLIENT)
        return client_is_done((const struct client *)l, reset);
    return ((const struct uplink *)l)->phase == UPLINK_RETIRED; /* the driver says the last words */
}

static void settle(struct link *l, struct moment now)
{
    if (l->end == LINK_CLIENT)
        client_settle(client_of(l), now);
    else
        uplink_settle(uplink_of(l), now);
}

/* ---- one link ---- */

static bool may_send(const struct link *l)
{
    bool reset;
    return l->socket != NULL && link_has_more(l) && (l->end == LINK_CLIENT || !is_over(l, &reset));
}

static void flush(struct link *l, const struct run_driver *d, struct moment now)
{
    struct span runs[RUNS];
    struct run_failure why;
    bool reset;
    size_t sent;
    do {
        sent = d->send(l->socket, runs, link_runs(l, runs, RUNS));
        if (sent > 0)
            told_sent(l, sent, now);
    } while (sent > 0 && link_has_more(l));
    if (sent == 0 && d->has_failed(l->socket, &why))
        told_failed(l, &why, now);
    else if (is_over(l, &reset) && !reset)
        return; /* closing says it too */
    else if (link_wants_shutdown(l) && d->shut(l->socket))
        told_sent(l, 0, now);
}

/* Requests that a client sent ahead are read once it is bound to the current configuration. */
static bool may_go_on(struct link *l, const struct run_driver *d, struct moment now)
{
    return l->end != LINK_CLIENT || !client_holds_next(client_of(l)) || d->before_next(l->socket, now);
}

/* Bytes from many connections in one turn of the loop leave an HTTP/2 connection as one record, in one write. Long bodies do not wait: they would
 * be copied. */
static bool is_held(const struct run_queue *run, struct link *l)
{
    enum { HELD_MOST = 4096 };
    bool reset;
    if (!run->holds || l->h2 == NULL || l->end_wanted || !link_is_open(l) || is_over(l, &reset))
        return false;
    size_t waits = link_fill(l);
    if (waits == 0 || waits > HELD_MOST || l->broken)
        return false;
    run_hold(l);
    return true;
}

static void drive(struct proxy_env *env, struct link *l, struct moment now)
{
    const struct run_driver *d = env->run.drivers[l->end];
    if (l->place.drives >= RUN_DRIVES) {
        l->place.drives = RUN_DRIVES + 1; /* others first: it is queued for the next turn */
        return;
    }
    l->place.drives++;
    if (may_send(l) && !is_held(&env->run, l))
        flush(l, d, now);
    if (!may_go_on(l, d, now) || go_on(l, now))
        run_touch(l);
}

static void end_turn(struct proxy_env *env, struct link *l, struct moment now)
{
    const struct run_driver *d = env->run.drivers[l->end];
    bool reset;
    if (l->socket == NULL)
        return;
    bool over = is_over(l, &reset);
    if (l->place.held && !over)
        return; /* its turn goes on in pump_held */
    if (l->end == LINK_UPLINK && !over)
        d->end_turn(l->socket, uplink_wants_read(uplink_of(l)), now);
    else if (l->end == LINK_CLIENT && over)
        d->close(l->socket, reset);
    else if (l->end == LINK_CLIENT)
        d->end_turn(l->socket, client_wants_read(client_of(l)), now);
}

/* ---- all of them ---- */

static void drive_all(struct proxy_env *env, struct moment now)
{
    for (struct link *l; (l = run_next(&env->run)) != NULL;)
        drive(env, l, now);
}

void pump_flush(struct proxy_env *env, struct link *l, struct moment now)
{
    if (may_send(l))
        flush(l, env->run.drivers[l->end], now);
}

void pump(struct proxy_env *env, struct moment now)
{
    struct run_queue *run = &env->run;
    if (run->busy)
        return;
    run->busy = true;
    while (run->first != NULL) {
        drive_all(env, now);
        for (struct link *l = run->turn; l != NULL; l = l->place.turn_next)
            settle(l, now); /* which may touch others, where memory runs out */
        run->n_turns++;
    }
    for (struct link *l; (l = run_end_turn(run)) != NULL;) {
        if (l->place.drives > RUN_DRIVES)
            run_touch(l);
        end_turn(env, l, now);
    }
    run->busy = false;
}

void pump_held(struct proxy_env *env, struct moment now)
{
    struct run_queue *run = &env->run;
    run->holds = false;
    run_touch_held(run);
    pump(env, now);
    run->holds = true;
}
