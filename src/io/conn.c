/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"
#include "peer_address.h"
#include "spare_fd.h"

#include "mtlsd/base/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_read(void *owner, struct span data);
static void on_end(void *owner);
static void on_error(void *owner, const char *text);
static void on_sent(void *owner, size_t n);
static void on_closed(void *owner);

static const struct stream_events conn_events = {on_read, on_end, on_error, on_sent, on_closed};

/* ---- closing: memory goes when the last handle is closed ---- */

static void let_go(struct older *o)
{
    snapshot_unref(o->snapshot);
    free(o);
}

static void handle_closed(struct conn *c)
{
    if (--c->handles > 0)
        return;
    struct worker *w = c->worker;
    for (struct older *o; (o = c->older) != NULL;) {
        c->older = o->next;
        let_go(o);
    }
    snapshot_unref(c->snapshot);
    free(c);
    worker_conn_closed(w);
}

static void on_closed(void *owner)
{
    handle_closed(owner);
}

static void on_timer_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

static void unlink_conn(struct conn *c)
{
    struct worker *w = c->worker;
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        w->conns = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    if (w->rejudge.next == c)
        w->rejudge.next = c->next;
}

/* The client ends here and not with the last handle: until then its upstream's connection could still bring it bytes. */
void conn_close(struct conn *c, bool reset)
{
    if (c->closing)
        return;
    c->closing = true;
    unlink_conn(c);
    if (c->client != NULL)
        access_log_closed(&c->worker->access_log, client_listener(c->client));
    client_free(c->client);
    c->client = NULL;
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
    stream_close(&c->stream, reset);
    spare_fd_take(&c->worker->listening.refusing.spare); /* if another worker got it */
    capacity_leave_client(c->worker->capacity);
    worker_reap(c->worker);
}

/* ---- another snapshot, another judgement ---- */

const struct plan_listener *conn_listener(const struct conn *c)
{
    return snapshot_find_listener(c->worker->snapshot, c->from != NULL ? c->from->listener : client_listener(c->client)->conf->name);
}

static struct tls_context *context_of(const struct snapshot *current, const struct uplink *u)
{
    const struct plan_target *target = snapshot_find_target(current, u->target);
    return target != NULL ? target->tls : u->target->tls;
}

/* By what is in the current snapshot: the contexts of an older one keep the lists of their time. */
void conn_rejudge(struct conn *c, struct moment now)
{
    const struct plan_listener *listener = conn_listener(c);
    const bool rows_only = c->worker->rejudge.rows_only;
    c->rejudgement = c->worker->rejudge.round;
    if (listener == NULL)
        listener = client_listener(c->client);
    if (!rows_only || !client_keeps_row(c->client, listener, now))
        client_rejudge(c->client, listener, now);
    for (struct uplink *u = client_next_uplink(c->client, NULL), *next; u != NULL; u = next) {
        next = client_next_uplink(c->client, u);
        if (rows_only && uplink_keeps_row(u, now))
            continue;
        uplink_rejudge(u, context_of(c->worker->snapshot, u), now);
    }
}

/* Its client has moved from one listener to another. */
static void take_snapshot(struct conn *c, const struct plan_listener *before, struct older *o)
{
    access_log_moved(&c->worker->access_log, before, client_listener(c->client)); /* before belongs to the snapshot that is let go */
    *o = (struct older){.next = c->older, .snapshot = c->snapshot, .listener = before};
    c->snapshot = snapshot_ref(c->worker->snapshot);
    c->older = o; /* until the turn ends, or longer (drop_unused) */
}

static void drop_unused(struct conn *c)
{
    for (struct older **at = &c->older, *o; (o = *at) != NULL;) {
        if (client_uses(c->client, o->listener)) {
            at = &o->next;
            continue;
        }
        *at = o->next;
        let_go(o);
    }
}

/* A request that begins after a reload is served by the new configuration. After a date of the caller's certificate or of a revocation list has passed,
 * the caller is verified again first. This holds also for a request that waited behind another or runs beside others, else a client that always
 * sends ahead would keep its old rights for ever. The same holds for a client in the middle of its handshake. */
static bool rebind(struct conn *c, struct moment now)
{
    bool runs = client_next_uplink(c->client, NULL) != NULL, moves = client_may_move(c->client) && c->snapshot != c->worker->snapshot;
    if (c->rejudgement != c->worker->rejudge.round && (runs || !moves)) /* its turn has not come yet (worker_rejudge); to move judges the client too */
        conn_rejudge(c, now);
    if (!client_may_move(c->client) || (!moves && !client_is_outdated(c->client, now)))
        return true;
    const struct plan_listener *now_there = conn_listener(c), *before = client_listener(c->client);
    struct older *o = now_there != NULL && moves ? malloc(sizeof(*o)) : NULL;
    if (now_there == NULL || (moves && o == NULL)) { /* its listener is gone, and it was told to finish */
        client_take_no_more(c->client);
        return true;
    }
    c->rejudgement = c->worker->rejudge.round;
    bool holds = client_rebind(c->client, now_there, now);
    if (moves && holds && client_listener(c->client) == now_there)
        take_snapshot(c, before, o);
    else
        free(o);
    return holds;
}

/* ---- the timer ---- */

static void on_timer(uv_timer_t *timer)
{
    struct conn *c = timer->data;
    c->armed_us = UINT64_MAX;
    struct moment now = worker_now();
    if (client_deadline_us(c->client) <= now.us)
        client_on_deadline(c->client, now);
    run_touch(client_link(c->client));
    worker_pump(c->worker, now);
}

/* The timer is moved only to an earlier time, and set again if it fires too early. So the steady path does not touch it. */
static void arm_timer(struct conn *c, struct moment now)
{
    uint64_t deadline = client_deadline_us(c->client);
    if (deadline >= c->armed_us)
        return;
    uint64_t wait_ms = deadline > now.us ? (deadline - now.us) / 1000 + 1 : 0;
    if (uv_timer_start(&c->timer, on_timer, wait_ms, 0) == 0)
        c->armed_us = deadline;
}

/* ---- for pump ---- */

static size_t send_runs(void *socket, const struct span *runs, size_t n)
{
    struct conn *c = socket;
    return stream_send(&c->stream, runs, n);
}

static bool has_failed(void *socket, struct run_failure *why)
{
    struct conn *c = socket;
    (void)why;
    return c->stream.dead;
}

static bool shut(void *socket)
{
    struct conn *c = socket;
    if (c->stream.writing)
        return false;
    stream_shut(&c->stream);
    return true;
}

static void end_turn(void *socket, bool reads, struct moment now)
{
    struct conn *c = socket;
    drop_unused(c);
    stream_end_turn(&c->stream);
    stream_read(&c->stream, reads);
    arm_timer(c, now);
}

static void close_it(void *socket, bool reset)
{
    conn_close(socket, reset);
}

static bool before_next(void *socket, struct moment now)
{
    return rebind(socket, now);
}

static struct caller *ask_caller(void *socket)
{
    struct conn *c = socket;
    uv_os_fd_t fd;
    return uv_fileno(&c->stream.u.handle, &fd) == 0 ? caller_ask(&c->worker->callers, fd, c->stream.is_tcp) : NULL;
}

const struct run_driver conn_driver = {
    .send = send_runs, .has_failed = has_failed, .shut = shut, .end_turn = end_turn, .close = close_it, .before_next = before_next, .ask_caller = ask_caller};

void conn_give_way(struct conn *c, struct moment now)
{
    client_give_way(c->client, now);
    pump_flush(&c->worker->env, client_link(c->client), now); /* this may be asked for in the middle of a turn of others */
    conn_close(c, false);
}

/* ---- events of its socket ---- */

static void on_read(void *owner, struct span data)
{
    struct conn *c = owner;
    struct moment now = worker_now();
    if (rebind(c, now))
        client_on_wire(c->client, data, now);
    worker_pump(c->worker, now);
}

static void on_end(void *owner)
{
    struct conn *c = owner;
    struct moment now = worker_now();
    client_on_eof(c->client, now);
    worker_pump(c->worker, now);
}

static void on_error(void *owner, const char *text)
{
    struct conn *c = owner;
    struct moment now = worker_now();
    client_on_error(c->client, text, now);
    worker_pump(c->worker, now);
}

static void on_sent(void *owner, size_t n)
{
    struct conn *c = owner;
    struct moment now = worker_now();
    run_touch(client_link(c->client));
    client_on_sent(c->client, n, now);
    worker_pump(c->worker, now);
}

/* ---- accepting ---- */

static void read_addresses(struct conn *c, const struct listen_socket *from, const struct sockaddr_storage *peer, struct client_address *out)
{
    struct sockaddr_storage own = {0};
    int own_len = sizeof(own);
    const struct sockaddr_storage *local = from->local_known ? &from->local : &own;
    if (c->stream.is_tcp && (from->local_known || uv_tcp_getsockname(&c->stream.u.tcp, (struct sockaddr *)&own, &own_len) == 0))
        peer_address_fill(out, peer, local);
    else
        peer_address_unknown(out, c->stream.is_tcp);
}

static bool begin(struct conn *c, const struct listen_socket *from, const struct sockaddr_storage *peer, const struct plan_listener *listener,
                  struct moment now)
{
    struct err err = {0};
    struct client_address client;
    read_addresses(c, from, peer, &client);
    c->client = client_new(&c->worker->env, listener, &client, c, now, &err);
    if (c->client == NULL) {
        log_say(LOG_LEVEL_ERROR, "overloaded", "a connection was dropped: %s", err.text);
        return false;
    }
    access_log_accepted(&c->worker->access_log, listener);
    return true;
}

static struct conn *conn_new(struct worker *w, const struct listen_socket *from)
{
    struct conn *c = calloc(1, sizeof(*c));
    if (c == NULL || stream_init(&c->stream, w->loop, from->is_tcp, &w->buffer) != 0) {
        free(c);
        return NULL;
    }
    stream_set_owner(&c->stream, &conn_events, c);
    uv_timer_init(w->loop, &c->timer);
    c->timer.data = c;
    c->handles = 2;
    c->worker = w;
    c->armed_us = UINT64_MAX;
    c->snapshot = snapshot_ref(w->snapshot);
    c->rejudgement = w->rejudge.round;
    c->from = from;
    c->next = w->conns;
    if (w->conns != NULL)
        w->conns->prev = c;
    w->conns = c;
    w->n_conns++;
    return c;
}

void conn_accept(struct worker *w, struct listen_socket *from, int fd, const struct sockaddr_storage *peer)
{
    struct conn *c = conn_new(w, from);
    if (c == NULL) {
        close(fd);
        capacity_leave_client(w->capacity);
        log_say(LOG_LEVEL_ERROR, "overloaded", "a connection was dropped: out of memory");
        return;
    }
    const struct plan_listener *listener = snapshot_find_listener(w->snapshot, from->listener);
    struct moment now = worker_now();
    int rc = stream_open(&c->stream, fd);
    if (rc != 0)
        log_say(LOG_LEVEL_ERROR, "overloaded", "a connection was dropped: %s", uv_strerror(rc));
    if (rc != 0 || listener == NULL || !begin(c, from, peer, listener, now)) {
        conn_close(c, true);
        return;
    }
    worker_pump(w, now);
}
