/* SPDX-License-Identifier: Apache-2.0 */
#include "server_internal.h"

#include "mtlsd/base/log.h"
#include "mtlsd/io/log_file.h"
#include "mtlsd/proxy/client_count.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>

enum { REQUESTS = 3 /* of the signals: the first ones, which end nothing */ };

static void wake_all(void *ctx)
{
    struct server *s = ctx;
    for (unsigned i = 0; i < s->n_hands; i++)
        uv_async_send(&s->hands[i].wake);
}

/* ---- letting a configuration go ---- */

/* Returns free memory between live blocks to the system: otherwise each reload of ten thousand identities would add its memory again. */
static void free_snapshot(void *ctx)
{
    snapshot_destroy(ctx);
    malloc_trim(0);
}

static void give_back(void *ctx)
{
    (void)ctx;
    malloc_trim(0);
}

/* On a worker's thread. */
static void on_worker_ebb(void *ctx)
{
    struct server *s = ctx;
    if (background_throw(s->background, give_back, NULL) != 0)
        return; /* at the next ebb, then */
}

/* On any thread: freeing would hold up a loop. */
static void on_snapshot_end(void *ctx, struct snapshot *snapshot)
{
    struct server *s = ctx;
    if (s->background == NULL || background_throw(s->background, free_snapshot, snapshot) != 0)
        snapshot_destroy(snapshot);
}

int server_adopt(struct server *s, struct snapshot *next, struct err *err)
{
    if (s->draining)
        return err_set(err, ERR_USAGE, "the daemon is draining");
    snapshot_inherit(next, s->snapshot);
    snapshot_on_end(next, on_snapshot_end, s);
    if (server_adopt_with(s, next, s->snapshot, err) != 0)
        return -1;
    capacity_share(&s->capacity, next->config);
    socket_file_remove(&s->files, next);
    struct snapshot *old = s->snapshot;
    s->snapshot = snapshot_ref(next);
    snapshot_unref(old);
    return 0;
}

void server_rejudge(struct server *s)
{
    server_tell_all(s, ORDER_REJUDGE);
}

void server_rejudge_rows(struct server *s, bool withdrawn)
{
    server_tell_all(s, withdrawn ? ORDER_ROWS_WITHDRAWN : ORDER_ROWS_ADDED);
}

void server_tell_answers(struct server *s)
{
    wake_all(s);
}

/* ---- the end ---- */

static void on_drain_timer(uv_timer_t *timer)
{
    struct server *s = timer->data;
    log_say(LOG_LEVEL_WARN, "drain", "drain_timeout is over: open requests are cut");
    server_tell_all(s, ORDER_CUT);
}

static void on_patience(uv_timer_t *timer)
{
    server_tell_all(timer->data, ORDER_DRAIN);
}

void server_drain(struct server *s, uint64_t within_ms, uint64_t patience_ms)
{
    if (s->draining)
        return;
    s->draining = true;
    socket_file_remove(&s->files, NULL);
    uv_timer_start(&s->drain_timer, on_drain_timer, within_ms, 0);
    if (patience_ms > 0)
        uv_timer_start(&s->patience, on_patience, patience_ms, 0);
    server_tell_all(s, patience_ms > 0 ? ORDER_WANE : ORDER_DRAIN);
}

void server_leave_files(struct server *s)
{
    s->left = true;
    socket_file_forget(&s->files);
}

void server_stop(struct server *s)
{
    s->draining = true;
    socket_file_remove(&s->files, NULL);
    server_tell_all(s, ORDER_STOP);
}

bool server_is_draining(const struct server *s)
{
    return s->draining;
}

/* On the worker's own thread. */
static void on_worker_finished(void *ctx)
{
    struct hand *h = ctx;
    h->over = true;
    uv_close((uv_handle_t *)&h->wake, NULL);
    h->server->n_finished++;
    uv_async_send(&h->server->wake);
}

/* ---- the main loop ---- */

static void tell_of_refusal(struct server *s)
{
    struct fallback_refusal refusal;
    if (!ours_refused_take(&s->ours, &refusal))
        return;
    if (s->hooks.on_ours_refused != NULL)
        s->hooks.on_ours_refused(s->hooks.ctx, &refusal);
    ours_refused_done(&s->ours);
}

void server_watch_ours(struct server *s, bool watched)
{
    s->ours.watched = watched;
}

static void on_wake(uv_async_t *wake)
{
    struct server *s = wake->data;
    tell_of_refusal(s);
    server_look_at_lend(s);
    if (s->n_finished == s->n_hands)
        uv_stop(&s->loop);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct server *s = signal->data;
    bool stops = number == SIGQUIT || (s->draining && !s->left);
    enum server_signal what = number == SIGHUP    ? SERVER_RELOAD
                              : number == SIGUSR1 ? SERVER_REOPEN_LOG
                              : number == SIGUSR2 ? SERVER_HAND_OVER
                              : stops ? SERVER_STOP : SERVER_DRAIN;
    s->left = s->left && what != SERVER_DRAIN;
    s->hooks.on_signal(s->hooks.ctx, what);
}

static const int signal_numbers[SERVER_SIGNALS] = {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGQUIT};

static void mask_signals(int how, size_t n)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < n; i++)
        sigaddset(&set, signal_numbers[i]);
    pthread_sigmask(how, &set, NULL);
}

void server_hold_signals(bool all)
{
    mask_signals(SIG_BLOCK, all ? SERVER_SIGNALS : 1); /* the first reloads */
}

static void watch_signals(struct server *s)
{
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < SERVER_SIGNALS; i++) {
        uv_signal_init(&s->loop, &s->signals[i]);
        s->signals[i].data = s;
        uv_signal_start(&s->signals[i], on_signal, signal_numbers[i]);
    }
    mask_signals(SIG_UNBLOCK, SERVER_SIGNALS);
}

static int init_hand(struct server *s, unsigned i, struct err *err)
{
    struct hand *h = &s->hands[i];
    h->server = s;
    h->threaded = i > 0;
    uv_loop_t *loop = h->threaded ? &h->own_loop : &s->loop;
    if (h->threaded && uv_loop_init(&h->own_loop) != 0)
        return err_set(err, ERR_IO, "no loop for a worker: too few descriptors?");
    uv_mutex_init(&h->lock);
    uv_async_init(loop, &h->wake, server_on_orders);
    h->wake.data = h;
    s->n_hands++;
    if (worker_init(&h->worker, loop, s->snapshot, &s->capacity, s->refusals, err) != 0)
        return -1;
    h->worker.served = &s->served;
    h->worker.ours = &s->ours;
    h->worker.end.on_finished = on_worker_finished;
    h->worker.end.ctx = h;
    h->worker.ebb.on_ebb = on_worker_ebb;
    h->worker.ebb.ctx = s;
    return 0;
}

/* Large buffers come and go with every burst: keep them on the heap instead of mapping and faulting them in each time. */
static void tune_heap(void)
{
    mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 2 * 1024 * 1024);
    mallopt(M_ARENA_MAX, 8);
}

static struct client_count *count_clients(void)
{
    uint64_t secret[2];
    return uv_random(NULL, NULL, secret, sizeof(secret), 0, NULL) == 0 ? client_count_new(secret[0], secret[1]) : NULL;
}

struct server *server_new(struct snapshot *snapshot, const struct server_hooks *hooks, struct err *err)
{
    tune_heap();
    struct server *s = calloc(1, sizeof(*s));
    if (s == NULL || uv_loop_init(&s->loop) != 0 || served_queue_init(&s->served, &s->loop) != 0) {
        free(s);
        err_set(err, ERR_MEMORY, "no loop: out of memory or descriptors");
        return NULL;
    }
    s->served.take = hooks->on_served;
    s->served.ctx = hooks->ctx;
    s->hooks = *hooks;
    s->snapshot = snapshot_ref(snapshot);
    uv_async_init(&s->loop, &s->wake, on_wake);
    s->wake.data = s;
    ours_refused_init(&s->ours, &s->wake);
    uv_timer_init(&s->loop, &s->drain_timer);
    s->drain_timer.data = s;
    uv_timer_init(&s->loop, &s->patience);
    s->patience.data = s;
    uv_sem_init(&s->begin, 0);
    unsigned workers = snapshot->config->workers < SERVER_WORKERS_MAX ? snapshot->config->workers : SERVER_WORKERS_MAX;
    s->hands = calloc(workers, sizeof(*s->hands));
    s->refusals = refusals_new();
    s->capacity.by_client = count_clients();
    bool ok = s->hands != NULL && s->refusals != NULL && s->capacity.by_client != NULL;
    for (unsigned i = 0; i < workers && ok; i++)
        ok = init_hand(s, i, err) == 0;
    s->capacity.workers = s->n_hands;
    s->capacity.wake = wake_all;
    s->capacity.ctx = s;
    capacity_raise_limit(&s->capacity);
    capacity_share(&s->capacity, snapshot->config);
    ok = ok && (s->background = background_new(&s->loop, err)) != NULL;
    snapshot_on_end(snapshot, on_snapshot_end, s);
    if (ok && server_adopt_with(s, snapshot, NULL, err) == 0)
        return s;
    err_set(err, ERR_MEMORY, "out of memory");
    server_free(s);
    return NULL;
}

static void run_worker(void *arg)
{
    struct hand *h = arg;
    uv_sem_wait(&h->server->begin);
    uv_run(&h->own_loop, UV_RUN_DEFAULT);
}

/* Workers 1 to end - 1, which run although not all could be started. */
static void stop_threads(struct server *s, unsigned end)
{
    for (unsigned i = 1; i < end; i++) {
        struct order *o = order_new(ORDER_STOP, NULL);
        if (o != NULL)
            server_give(&s->hands[i], o);
        uv_sem_post(&s->begin);
    }
    for (unsigned i = 1; i < end; i++)
        uv_thread_join(&s->hands[i].thread);
}

int server_run(struct server *s, struct err *err)
{
    watch_signals(s);
    for (unsigned i = 1; i < s->n_hands; i++) {
        int rc = uv_thread_create(&s->hands[i].thread, run_worker, &s->hands[i]);
        if (rc != 0) {
            stop_threads(s, i);
            return err_set(err, ERR_IO, "cannot start worker %u of %u: %s; set workers lower, or raise the limits of processes and memory", i + 1,
                           s->n_hands, uv_strerror(rc));
        }
    }
    if (s->hooks.on_started != NULL && s->hooks.on_started(s->hooks.ctx, err) != 0) {
        stop_threads(s, s->n_hands);
        return -1;
    }
    socket_file_adopt(&s->files, s->snapshot, s->hooks.handed);
    s->hooks.handed = NULL;
    for (unsigned i = 1; i < s->n_hands; i++)
        uv_sem_post(&s->begin);
    worker_check_health(&s->hands[0].worker);
    if (s->hooks.on_running != NULL)
        s->hooks.on_running(s->hooks.ctx);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    for (unsigned i = 1; i < s->n_hands; i++)
        uv_thread_join(&s->hands[i].thread);
    mask_signals(SIG_BLOCK, REQUESTS); /* the handlers go with the loop, and the default of these would kill the process in its last moments */
    log_file_flush();
    return 0;
}

size_t server_cut(const struct server *s)
{
    size_t n = 0;
    for (unsigned i = 0; i < s->n_hands; i++)
        n += s->hands[i].worker.end.n_cut;
    return n;
}

bool server_is_held(const struct server *s)
{
    if (background_is_busy(s->background))
        return true;
    for (unsigned i = 0; i < s->n_hands; i++) {
        if (resolve_is_held(&s->hands[i].worker.names))
            return true;
    }
    return false;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void close_loop(uv_loop_t *loop)
{
    uv_walk(loop, close_handle, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
}

void server_free(struct server *s)
{
    if (s == NULL)
        return;
    socket_file_remove(&s->files, NULL);
    for (unsigned i = 0; i < s->n_hands; i++) {
        struct hand *h = &s->hands[i];
        while (h->orders != NULL) {
            struct order *o = h->orders;
            h->orders = o->next;
            order_free(o);
        }
        resolve_stop(&h->worker.names); /* if it never ran */
        if (h->threaded)
            close_loop(&h->own_loop);
    }
    background_stop(s->background);
    s->background = NULL; /* what ends from now on is freed at once */
    close_loop(&s->loop);
    for (unsigned i = 0; i < s->n_hands; i++) {
        worker_clear(&s->hands[i].worker);
        uv_mutex_destroy(&s->hands[i].lock);
    }
    ours_refused_clear(&s->ours);
    served_queue_clear(&s->served);
    lend_free(s->lend);
    uv_sem_destroy(&s->begin);
    refusals_free(s->refusals);
    client_count_free(s->capacity.by_client);
    snapshot_on_end(s->snapshot, NULL, NULL); /* the caller may have a reference */
    snapshot_unref(s->snapshot);
    free(s->hands);
    free(s);
}
