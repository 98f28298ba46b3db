/* SPDX-License-Identifier: Apache-2.0 */
/* Orders of the main loop: another configuration, and the end. */
#include "worker_internal.h"
#include "conn.h"
#include "health.h"
#include "lifetimes.h"
#include "spares.h"

#include "mtlsd/base/log.h"
#include "mtlsd/base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- listening ---- */

static const struct config_listener *listener_at(const struct snapshot *snapshot, const char *address)
{
    for (size_t i = 0; i < snapshot->config->n_listeners; i++) {
        const struct config_listener *l = &snapshot->config->listeners[i];
        for (size_t b = 0; b < l->n_bind; b++) {
            if (strcmp(l->bind_text[b], address) == 0)
                return l;
        }
    }
    return NULL;
}

static void close_socket(struct worker *w, struct listen_socket *s)
{
    for (struct conn *c = w->conns; c != NULL; c = c->next)
        if (c->from == s)
            c->from = NULL;
    listening_close_socket(s);
}

/* Keeps the sockets the snapshot still names, under the listener that has their address now. */
static void sort_sockets(struct worker *w)
{
    struct listen_socket **at = &w->listening.sockets;
    while (*at != NULL) {
        struct listen_socket *s = *at;
        const struct config_listener *l = w->end.draining ? NULL : listener_at(w->snapshot, s->address);
        char *name = l != NULL ? strdup(l->name) : NULL;
        if (name == NULL) {
            *at = s->next;
            close_socket(w, s);
            continue;
        }
        free(s->listener);
        s->listener = name;
        at = &s->next;
    }
}

/* ---- another configuration ---- */

void worker_check_health(struct worker *w)
{
    w->health.here = true;
    w->health.checks = health_start(w);
}

static void stop_health(struct worker *w)
{
    health_stop(w->health.checks);
    w->health.checks = NULL;
}

static void drain_conn(struct conn *c, bool patient)
{
    if (c->closing)
        return; /* the turn of another one ended it, too */
    struct moment now = worker_now();
    if (patient)
        client_on_last_call(c->client, now);
    else
        client_on_drain(c->client, now);
    worker_pump(c->worker, now);
}

static void drain_gone(struct worker *w)
{
    for (struct conn *c = w->conns, *following; c != NULL; c = following) {
        following = c->next;
        if (c->client != NULL && !c->closing && conn_listener(c) == NULL)
            drain_conn(c, false);
    }
}

/* Those from before there was a limit. */
static void count_clients(struct worker *w)
{
    for (struct conn *c = w->conns; c != NULL; c = c->next)
        if (c->client != NULL)
            client_count_late(c->client);
}

void worker_adopt(struct worker *w, struct snapshot *next)
{
    struct pool *pool = pool_new(next->targets, next->n_targets);
    struct balancer *balancer = balancer_new(next->upstreams, next->config->n_upstreams, next->target_state);
    if (pool == NULL || balancer == NULL) {
        pool_free(pool);
        balancer_free(balancer);
        log_say(LOG_LEVEL_ERROR, "reload", "out of memory: a worker stays with the old configuration");
        return;
    }
    spares_stop(w);
    pool_retire_all(w->env.pool);
    worker_close_retired(w);
    pool_free(w->env.pool);
    w->env.pool = pool;
    balancer_free(w->env.balancer); /* exchanges that still run on the old snapshot's targets are unknown to the new one, and do not mind */
    w->env.balancer = balancer;
    tls_tickets_forget_all(w->env.tickets); /* the store stays: running connections may still be given tickets */
    stop_health(w);
    struct snapshot *old = w->snapshot;
    w->snapshot = snapshot_ref(next);
    access_log_adopt(&w->access_log, next);
    snapshot_unref(old);
    if (w->health.here)
        w->health.checks = health_start(w);
    w->env.observer = access_log_observer(&w->access_log, next->config);
    w->env.most_per_client = next->config->max_per_client;
    if (w->env.most_per_client > 0)
        count_clients(w);
    sort_sockets(w);
    drain_gone(w);
    worker_rejudge_begin(w, false); /* what runs: between requests there is time, the next one is judged by the new snapshot */
    lifetimes_follow(w);
    listening_accept_waiting(w); /* there may be more room now */
    worker_reap(w);
}

/* ---- the end ---- */

static void begin_end(struct worker *w)
{
    w->end.draining = true;
    w->env.draining = true;
    stop_health(w);
    sort_sockets(w);
    spares_stop(w);
    pool_retire_all(w->env.pool);
    worker_reap(w);
}

void worker_drain(struct worker *w, bool patient)
{
    if (!w->end.draining)
        begin_end(w);
    for (struct conn *c = w->conns, *following; c != NULL; c = following) {
        following = c->next;
        drain_conn(c, patient);
    }
    worker_finish_if_empty(w);
}

static size_t cut_all(struct worker *w, const char *why)
{
    size_t n = 0;
    begin_end(w);
    while (w->conns != NULL) {
        struct conn *c = w->conns;
        n += c->client != NULL && client_cut(c->client, why, worker_now()) ? 1 : 0;
        conn_close(c, true);
    }
    return n;
}

void worker_cut(struct worker *w)
{
    char why[64 + UNITS_DURATION_SIZE], limit[UNITS_DURATION_SIZE];
    units_write_duration(limit, w->snapshot->config->drain_ms);
    snprintf(why, sizeof(why), "it was still open after drain_timeout (%s)", limit);
    w->end.n_cut += cut_all(w, why);
    worker_finish_if_empty(w);
}

void worker_stop(struct worker *w)
{
    cut_all(w, "the daemon was stopped at once");
    worker_finish_if_empty(w);
}
