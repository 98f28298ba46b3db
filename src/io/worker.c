/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"
#include "conn.h"
#include "health.h"
#include "lifetimes.h"
#include "peer_address.h"
#include "spares.h"
#include "upconn.h"

#include "mtlsd/base/log.h"
#include "mtlsd/base/units.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/log_file.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_BYTES = 128 * 1024,
    SCRATCH_BYTES = 160 * 1024, /* what one read decrypts to, with the rest of a record from before */
    TICKETS_PER_UPSTREAM = 256,
#ifdef __SANITIZE_ADDRESS__
    BLOCKS_KEPT = 0, /* it sees no use of a block that is only kept */
#else
    BLOCKS_KEPT = 256, /* two or three for each request that runs */
#endif
    TICK_MS = 1000,
    REJUDGE_TURN_NS = 2000000, /* of a turn of the loop, for judging peers again */
    EBB_LEAST = 64, /* connections; fewer leave little */
    EBB_MS = 2000,
};

struct moment worker_now(void)
{
    return (struct moment){uv_hrtime() / 1000, clock_now()};
}

static void on_held(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    access_log_tell_held(&w->access_log, false);
    if (!access_log_holds(&w->access_log))
        uv_timer_stop(timer);
}

/* That it runs keeps the loop from sleeping. */
static void on_crowd(uv_idle_t *idle)
{
    struct worker *w = idle->data;
    if (run_waits(&w->env.run))
        worker_pump(w, worker_now());
}

static void on_turn(uv_prepare_t *prepare)
{
    struct worker *w = prepare->data;
    if (w->env.run.held != NULL) {
        pump_held(&w->env, worker_now());
        worker_reap(w);
    }
    log_file_flush();
    bool crowded = stream_begin_turn(&w->buffer);
    if (crowded || run_waits(&w->env.run))
        uv_idle_start(&w->crowd, on_crowd);
    else
        uv_idle_stop(&w->crowd);
    if (access_log_holds(&w->access_log) && !uv_is_active((uv_handle_t *)&w->held))
        uv_timer_start(&w->held, on_held, TICK_MS, TICK_MS);
}

/* ---- idle upstream connections ---- */

static bool pool_is_minded(const struct worker *w)
{
    return pool_idle_count(w->env.pool) > 0 || pool_keeps_spares(w->env.pool);
}

static void on_tick(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    pool_expire(w->env.pool, worker_now().us);
    pool_trim(w->env.pool);
    spares_expire(w, worker_now());
    worker_pump(w, worker_now());
    if (!pool_is_minded(w))
        uv_timer_stop(&w->tick);
}

static void close_retired(struct worker *w)
{
    struct uplink *u;
    while ((u = pool_next_retired(w->env.pool)) != NULL)
        upconn_close(u);
}

void worker_pump(struct worker *w, struct moment now)
{
    pump(&w->env, now);
    worker_reap(w);
}

void worker_reap(struct worker *w)
{
    if (w->env.run.busy)
        return; /* the end of that turn does it */
    if (w->end.draining)
        pool_retire_all(w->env.pool); /* what a last request left there would hold up the end */
    close_retired(w);
    spares_fill(w);
    if (!w->end.draining && pool_is_minded(w) && !uv_is_active((uv_handle_t *)&w->tick))
        uv_timer_start(&w->tick, on_tick, TICK_MS, TICK_MS);
}

/* ---- life ---- */

static const struct plan_target *find_target(const struct proxy_env *env, const struct plan_target *older)
{
    const struct worker *w = (const struct worker *)((const char *)env - offsetof(struct worker, env));
    return snapshot_find_target(w->snapshot, older);
}

static void on_ours_refused(const struct proxy_env *env, const struct uplink *u, bool hint)
{
    const struct worker *w = (const struct worker *)((const char *)env - offsetof(struct worker, env));
    if (w->ours != NULL && u->target->upstream->owner == w->snapshot)
        ours_refused_note(w->ours, u, hint);
}

int worker_init(struct worker *w, uv_loop_t *loop, struct snapshot *snapshot, struct capacity *capacity, struct refusals *refusals,
                struct err *err)
{
    memset(w, 0, sizeof(*w));
    w->loop = loop;
    w->capacity = capacity;
    w->env.clients = capacity->by_client;
    w->env.most_per_client = snapshot->config->max_per_client;
    w->buffer = (struct stream_buffer){.data = malloc(READ_BYTES), .size = READ_BYTES};
    turn_init(&w->buffer.turn);
    w->env.scratch = malloc(SCRATCH_BYTES);
    w->env.scratch_size = SCRATCH_BYTES;
    block_cache_init(&w->env.blocks, BLOCK_CACHE_BYTES, BLOCKS_KEPT);
    http2_init_streams(&w->env.streams, BLOCKS_KEPT);
    w->env.tickets = tls_tickets_new(TICKETS_PER_UPSTREAM);
    w->env.pool = pool_new(snapshot->targets, snapshot->n_targets);
    w->env.balancer = balancer_new(snapshot->upstreams, snapshot->config->n_upstreams, snapshot->target_state);
    w->env.find_target = find_target;
    w->env.ours_refused = on_ours_refused;
    if (uv_random(NULL, NULL, &w->env.random, sizeof(w->env.random), 0, NULL) != 0)
        w->env.random = uv_hrtime() ^ (uintptr_t)w;
    w->env.run = (struct run_queue){.drivers = {[LINK_CLIENT] = &conn_driver, [LINK_UPLINK] = &upconn_driver}, .connect = upconn_connect, .describe = upconn_describe, .holds = true};
    bool access_log = access_log_init(&w->access_log, refusals, clock_now) == 0;
    if (w->buffer.data == NULL || w->env.scratch == NULL || w->env.tickets == NULL || w->env.pool == NULL || w->env.balancer == NULL ||
        !access_log)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (resolve_init(&w->names, loop, lookup_system) != 0)
        return err_set(err, ERR_MEMORY, "out of memory");
    access_log_adopt(&w->access_log, snapshot);
    w->env.observer = access_log_observer(&w->access_log, snapshot->config);
    w->snapshot = snapshot_ref(snapshot);
    uv_timer_init(loop, &w->tick);
    w->tick.data = w;
    uv_timer_init(loop, &w->connecting.race_timer);
    w->connecting.race_timer.data = w;
    uv_timer_init(loop, &w->connecting.place_timer);
    w->connecting.place_timer.data = w;
    uv_timer_init(loop, &w->ebb.timer);
    w->ebb.timer.data = w;
    listening_init(w);
    uv_timer_init(loop, &w->held);
    w->held.data = w;
    uv_idle_init(loop, &w->rejudge.turn);
    w->rejudge.turn.data = w;
    uv_idle_init(loop, &w->crowd);
    w->crowd.data = w;
    uv_prepare_init(loop, &w->turn);
    w->turn.data = w;
    uv_prepare_start(&w->turn, on_turn);
    lifetimes_init(w);
    if (pool_is_minded(w))
        uv_timer_start(&w->tick, on_tick, 0, TICK_MS);
    return 0;
}

void worker_clear(struct worker *w)
{
    resolve_clear(&w->names);
    caller_asker_clear(&w->callers);
    pool_free(w->env.pool);
    balancer_free(w->env.balancer);
    tls_tickets_free(w->env.tickets);
    access_log_clear(&w->access_log);
    snapshot_unref(w->snapshot);
    early_answer_clear(&w->listening.answer);
    free(w->buffer.data);
    free(w->env.scratch);
    block_cache_clear(&w->env.blocks);
    block_cache_clear(&w->env.streams);
}

bool worker_make_room(struct worker *w)
{
    if (pool_idle_count(w->env.pool) == 0)
        return false;
    pool_retire_all(w->env.pool);
    close_retired(w);
    return true;
}

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

/* ---- orders ---- */

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

static void rejudge_now(struct conn *c)
{
    struct moment now = worker_now();
    conn_rejudge(c, now);
    worker_pump(c->worker, now);
}

/* To verify thousands of peers takes seconds. Some are done in each turn of the loop, so that active clients wait for milliseconds. A client that becomes
 * active before its turn is verified first (conn_rejudge). */
static void on_rejudge(uv_idle_t *idle)
{
    struct worker *w = idle->data;
    for (uint64_t began = uv_hrtime(); w->rejudge.next != NULL && uv_hrtime() - began < REJUDGE_TURN_NS;) {
        struct conn *c = w->rejudge.next;
        w->rejudge.next = c->next;
        bool spared = c->client == NULL || c->closing || c->rejudgement == w->rejudge.round || (!w->rejudge.idle_too && client_is_idle(c->client));
        if (!spared)
            rejudge_now(c);
    }
    if (w->rejudge.next != NULL)
        return;
    w->rejudge.idle_too = w->rejudge.rows_only = false;
    uv_idle_stop(idle);
}

static void begin_rejudging(struct worker *w, bool rows_only)
{
    bool runs = w->rejudge.next != NULL;
    w->rejudge.rows_only = rows_only && (!runs || w->rejudge.rows_only); /* what began with all goes on with all */
    w->rejudge.round++;
    w->rejudge.next = w->conns;
    if (w->rejudge.next != NULL)
        uv_idle_start(&w->rejudge.turn, on_rejudge);
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
    close_retired(w);
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
    begin_rejudging(w, false); /* what runs: between requests there is time, the next one is judged by the new snapshot */
    lifetimes_follow(w);
    listening_accept_waiting(w); /* there may be more room now */
    worker_reap(w);
}

void worker_rejudge(struct worker *w)
{
    tls_tickets_forget_all(w->env.tickets);
    spares_stop(w);
    pool_retire_all(w->env.pool); /* idle ones are as cheap to make again */
    worker_reap(w);
    w->rejudge.idle_too = true;
    begin_rejudging(w, false);
    lifetimes_follow(w);
}

void worker_rejudge_rows(struct worker *w, bool withdrawn)
{
    if (withdrawn)
        tls_tickets_forget_all(w->env.tickets);
    if (withdrawn && snapshot_upstreams_ask_registry(w->snapshot)) {
        spares_stop(w);
        pool_retire_all(w->env.pool);
        worker_reap(w);
    }
    w->rejudge.idle_too = true;
    begin_rejudging(w, true);
}

static void finish_if_empty(struct worker *w)
{
    if (!w->end.draining || w->end.finished || w->n_conns > 0 || w->n_uplinks > 0)
        return;
    w->end.finished = true;
    listening_close(w);
    uv_close((uv_handle_t *)&w->tick, NULL);
    uv_close((uv_handle_t *)&w->held, NULL);
    uv_close((uv_handle_t *)&w->turn, NULL);
    uv_close((uv_handle_t *)&w->crowd, NULL);
    uv_close((uv_handle_t *)&w->connecting.race_timer, NULL);
    uv_close((uv_handle_t *)&w->connecting.place_timer, NULL);
    uv_close((uv_handle_t *)&w->ebb.timer, NULL);
    uv_close((uv_handle_t *)&w->rejudge.turn, NULL);
    lifetimes_close(w);
    resolve_stop(&w->names);
    access_log_tell_held(&w->access_log, true);
    log_file_flush();
    if (w->end.on_finished != NULL)
        w->end.on_finished(w->end.ctx);
}

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
    finish_if_empty(w);
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
    finish_if_empty(w);
}

void worker_stop(struct worker *w)
{
    cut_all(w, "the daemon was stopped at once");
    finish_if_empty(w);
}

/* ---- memory that a crowd leaves ---- */

static bool has_ebbed(const struct worker *w)
{
    return w->ebb.most_links >= EBB_LEAST && w->n_conns + w->n_uplinks <= w->ebb.most_links / 2;
}

static void on_ebb(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    if (!has_ebbed(w))
        return;
    w->ebb.most_links = w->n_conns + w->n_uplinks;
    block_cache_clear(&w->env.blocks);
    block_cache_clear(&w->env.streams);
    w->ebb.on_ebb(w->ebb.ctx);
}

/* Before one goes. Under a load that stays the same nothing ever comes of it, however many come and go. */
static void note_going(struct worker *w)
{
    size_t now = w->n_conns + w->n_uplinks;
    if (now > w->ebb.most_links)
        w->ebb.most_links = now;
    if (has_ebbed(w) && !w->end.draining && w->ebb.on_ebb != NULL && !uv_is_active((uv_handle_t *)&w->ebb.timer))
        uv_timer_start(&w->ebb.timer, on_ebb, EBB_MS, 0);
}

void worker_conn_closed(struct worker *w)
{
    note_going(w);
    w->n_conns--;
    listening_accept_waiting(w);
    finish_if_empty(w);
}

void worker_uplink_closed(struct worker *w)
{
    note_going(w);
    w->n_uplinks--;
    listening_accept_waiting(w);
    finish_if_empty(w);
}
