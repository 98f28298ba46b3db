/* SPDX-License-Identifier: Apache-2.0 */
#include "worker_internal.h"
#include "conn.h"
#include "lifetimes.h"
#include "spares.h"
#include "upconn.h"

#include "mtlsd/base/log.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/log_file.h"

#include <stdlib.h>
#include <string.h>

enum {
    READ_BYTES = 128 * 1024,
    SCRATCH_BYTES = 160 * 1024, /* what one read decrypts to, with the rest of a record from before */
    TICKETS_PER_UPSTREAM = 256,
#ifdef __SANITIZE_ADDRESS__
    BLOCKS_KEPT = 0, /* it sees no use of a block that is only kept */
#else
    BLOCKS_KEPT = 1024, /* 1 MB at most; each request that runs has two or three */
#endif
    TICK_MS = 1000,
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

void worker_close_retired(struct worker *w)
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
    worker_close_retired(w);
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
    w->env.run = (struct run_queue){.drivers = {[LINK_CLIENT] = &conn_driver, [LINK_UPLINK] = &upconn_driver}, .connect = upconn_connect, .describe = upconn_describe, .blocks = &w->env.blocks, .holds = true};
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
    free(w->env.waits.items);
    block_cache_clear(&w->env.blocks);
    block_cache_clear(&w->env.streams);
}

bool worker_make_room(struct worker *w)
{
    if (pool_idle_count(w->env.pool) == 0)
        return false;
    pool_retire_all(w->env.pool);
    worker_close_retired(w);
    return true;
}

/* ---- clients that wait for an OCSP answer ---- */

void worker_bound_waiting(struct worker *w)
{
    enum { LEAST = 4, MOST = 1024, SHARE = 4 };
    size_t n = atomic_load(&w->capacity->most_clients) / SHARE / w->capacity->workers;
    w->env.waits.most = n < LEAST ? LEAST : n < MOST ? n : MOST;
}

void worker_look_at_waiting(struct worker *w)
{
    if (w->env.waits.n == 0)
        return;
    struct moment now = worker_now();
    client_wait_look(&w->env, now);
    worker_pump(w, now);
}

/* ---- the end ---- */

void worker_finish_if_empty(struct worker *w)
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
    worker_finish_if_empty(w);
}

void worker_uplink_closed(struct worker *w)
{
    note_going(w);
    w->n_uplinks--;
    listening_accept_waiting(w);
    worker_finish_if_empty(w);
}
