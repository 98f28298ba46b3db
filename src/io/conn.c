/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"
#include "connector.h"
#include "peer_address.h"
#include "spare_fd.h"

#include "mtlsd/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RUNS = 60, TURNS = 64 };

static void on_read(void *owner, struct span data);
static void on_end(void *owner);
static void on_error(void *owner, const char *text);
static void on_sent(void *owner, size_t n);
static void on_closed(void *owner);

static const struct stream_events down_events = {on_read, on_end, on_error, on_sent, on_closed};

/* ---- closing: memory goes when the last handle is closed ---- */

static void handle_closed(struct conn *c)
{
    if (--c->handles > 0)
        return;
    struct worker *w = c->worker;
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
    if (w->rejudge_next == c)
        w->rejudge_next = c->next;
}

/* The exchange ends here and not with the last handle: until then its upstream's socket could still bring it bytes. */
void conn_close(struct conn *c, bool reset)
{
    if (c->closing)
        return;
    c->closing = true;
    unlink_conn(c);
    connector_cancel(&c->connector);
    if (c->x != NULL)
        access_log_closed(&c->worker->access_log, exchange_listener(c->x));
    exchange_free(c->x);
    c->x = NULL;
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
    stream_close(&c->down, reset);
    spare_fd_take(&c->worker->listening.refusing.spare); /* if another worker got it */
    capacity_leave_client(c->worker->capacity);
    worker_reap(c->worker);
}

/* ---- the drive ---- */

/* What the upstream said before was read. A lack of our own says nothing about it. */
static void write_failed(struct conn *c, int error, struct moment now)
{
    char text[160];
    snprintf(text, sizeof(text), "cannot write to the upstream: %s", uv_strerror(error));
    if (error == UV_ENOMEM || error == UV_ENOBUFS)
        exchange_on_connect_failed(c->x, REASON_INTERNAL, text, now);
    else
        exchange_on_error(c->x, SIDE_UP, text, now);
}

/* False: a write failed, and what comes of it may be another thing to send. */
static bool flush(struct conn *c, enum side side, struct stream *stream, struct moment now)
{
    struct span runs[RUNS];
    struct link *link = exchange_link(c->x, side);
    while (link != NULL && stream_can_send(stream)) {
        size_t n = link_runs(link, runs, RUNS);
        size_t sent = stream_send(stream, runs, n);
        if (sent == 0)
            break;
        exchange_on_sent(c->x, side, sent, now);
        if (exchange_link(c->x, side) != link)
            return true;
    }
    if (stream->dead && side == SIDE_DOWN) {
        exchange_on_error(c->x, SIDE_DOWN, "the client closed the connection", now);
        return true;
    }
    if (stream_is_lost(stream)) {
        write_failed(c, stream->error, now);
        return false;
    }
    bool reset;
    if (exchange_is_done(c->x, &reset) && !reset)
        return true; /* closing says it too */
    if (link != NULL && !stream->writing && link_wants_shutdown(link)) {
        stream_shut(stream);
        exchange_on_sent(c->x, side, 0, now);
    }
    return true;
}

static struct upconn *upconn_of(const struct conn *c)
{
    struct uplink *u = exchange_uplink(c->x);
    return u != NULL ? u->driver : NULL;
}

static bool flush_both(struct conn *c, struct moment now)
{
    flush(c, SIDE_DOWN, &c->down, now);
    struct upconn *up = upconn_of(c);
    return up == NULL || flush(c, SIDE_UP, &up->stream, now);
}

/* Who connects knows better than the exchange what was not there in time. */
static void on_deadline(struct conn *c, struct moment now)
{
    char text[640];
    if (c->connector == NULL) {
        exchange_on_deadline(c->x, now);
        return;
    }
    enum reason reason = connector_describe(c->connector, text, sizeof(text));
    connector_cancel(&c->connector);
    exchange_on_connect_late(c->x, reason, text, now);
}

static void on_timer(uv_timer_t *timer)
{
    struct conn *c = timer->data;
    c->armed_us = UINT64_MAX;
    struct moment now = worker_now();
    if (exchange_deadline_us(c->x) <= now.us)
        on_deadline(c, now);
    conn_drive(c, now);
}

/* The timer is moved only to an earlier time; one that fires too early is set again. So the steady path does not touch it. */
static void arm_timer(struct conn *c, struct moment now)
{
    uint64_t deadline = exchange_deadline_us(c->x);
    if (deadline >= c->armed_us)
        return;
    uint64_t wait_ms = deadline > now.us ? (deadline - now.us) / 1000 + 1 : 0;
    if (uv_timer_start(&c->timer, on_timer, wait_ms, 0) == 0)
        c->armed_us = deadline;
}

static void end_turn_of(struct stream *stream, bool wants_read)
{
    stream_end_turn(stream);
    stream_read(stream, wants_read);
}

static void end_turn(struct conn *c)
{
    end_turn_of(&c->down, exchange_wants_read(c->x, SIDE_DOWN));
    struct upconn *up = upconn_of(c);
    if (up != NULL)
        end_turn_of(&up->stream, exchange_wants_read(c->x, SIDE_UP));
}

static void on_connector_done(void *owner, const struct connector_result *result)
{
    struct conn *c = owner;
    struct uplink *u = NULL;
    struct moment now = worker_now();
    if (result->up == NULL)
        exchange_on_connect_failed(c->x, result->reason, result->text, now);
    else if ((u = exchange_on_connected(c->x, now)) != NULL)
        upconn_serve(result->up, u);
    else
        upconn_shut(result->up, true);
    conn_drive(c, now);
}

/* True when an attempt came to an end at once, so that there may be something to send. */
static bool connect_if_wanted(struct conn *c)
{
    const struct dial *dial = exchange_wants_connect(c->x);
    if (dial == NULL)
        connector_cancel(&c->connector); /* its time ran out, or the client closed the connection */
    if (dial == NULL || c->connector != NULL)
        return false;
    connector_start(&c->connector, &(struct connector_order){c->worker, c->snapshot, dial, on_connector_done, c});
    return c->connector == NULL;
}

const struct plan_listener *conn_listener(const struct conn *c)
{
    return snapshot_find_listener(c->worker->snapshot, c->from != NULL ? c->from->listener : exchange_listener(c->x)->conf->name);
}

/* By what is in the current snapshot: the contexts of an older one keep the lists of their time. */
void conn_rejudge(struct conn *c, struct moment now)
{
    const struct snapshot *current = c->worker->snapshot;
    const struct plan_listener *own = exchange_listener(c->x), *listener = conn_listener(c);
    const struct uplink *u = exchange_uplink(c->x);
    const struct plan_target *target = u != NULL ? snapshot_find_target(current, u->target) : NULL;
    struct tls_context *up = target != NULL ? target->tls : u != NULL ? u->target->tls : NULL;
    c->rejudgement = c->worker->rejudgement;
    exchange_rejudge(c->x, listener != NULL ? listener : own, up, now);
}

/* A request that is served after a reload is served by what was loaded, and one after a date of the caller's certificate or of a revocation list has
 * passed, by another judgement: also one that waited behind another, or a client that always sends ahead would keep its old rights for ever. So is
 * who was in the middle of a handshake. */
static bool rebind(struct conn *c, struct moment now)
{
    struct snapshot *current = c->worker->snapshot;
    bool between = exchange_is_idle(c->x) || exchange_is_handshaking(c->x), moves = between && c->snapshot != current;
    if (c->rejudgement != c->worker->rejudgement && !moves) /* its turn has not come yet (worker_rejudge); to move judges too */
        conn_rejudge(c, now);
    if (!between || (!moves && !exchange_is_outdated(c->x, now)))
        return true;
    const struct plan_listener *now_there = conn_listener(c);
    if (now_there == NULL)
        return true; /* its listener is gone: it was told to finish */
    const struct plan_listener *before = exchange_listener(c->x);
    c->rejudgement = c->worker->rejudgement;
    if (!exchange_rebind(c->x, now_there, now))
        return false;
    access_log_moved(&c->worker->access_log, before, now_there); /* before belongs to the snapshot that is let go */
    struct snapshot *old = c->snapshot;
    c->snapshot = snapshot_ref(current);
    snapshot_unref(old);
    return true;
}

void conn_drive(struct conn *c, struct moment now)
{
    if (c->closing || c->in_drive)
        return;
    c->in_drive = true;
    int turn = 0;
    for (; turn < TURNS; turn++) {
        bool flushed = flush_both(c, now);
        bool connected = connect_if_wanted(c);
        bool refused = exchange_holds_next(c->x) && !rebind(c, now);
        if (!exchange_continue(c->x, now) && flushed && !connected && !refused)
            break;
    }
    exchange_settle(c->x);
    c->in_drive = false;
    bool reset;
    if (exchange_is_done(c->x, &reset)) {
        conn_close(c, reset);
        return;
    }
    end_turn(c);
    arm_timer(c, now);
    if (turn == TURNS && uv_timer_start(&c->timer, on_timer, 0, 0) == 0) /* others first; nothing else would bring us back */
        c->armed_us = 0;
    worker_reap(c->worker);
}

void conn_give_way(struct conn *c, struct moment now)
{
    exchange_on_drain(c->x, now);
    conn_drive(c, now);
    conn_close(c, false);
}

/* ---- events of the client's socket ---- */

static void on_read(void *owner, struct span data)
{
    struct conn *c = owner;
    struct moment now = worker_now();
    if (rebind(c, now))
        exchange_on_wire(c->x, SIDE_DOWN, data, now);
    conn_drive(c, now);
}

static void on_end(void *owner)
{
    struct conn *c = owner;
    struct moment now = worker_now();
    exchange_on_eof(c->x, SIDE_DOWN, now);
    conn_drive(c, now);
}

static void on_error(void *owner, const char *text)
{
    struct conn *c = owner;
    struct moment now = worker_now();
    exchange_on_error(c->x, SIDE_DOWN, text, now);
    conn_drive(c, now);
}

static void on_sent(void *owner, size_t n)
{
    struct conn *c = owner;
    struct moment now = worker_now();
    exchange_on_sent(c->x, SIDE_DOWN, n, now);
    conn_drive(c, now);
}

/* ---- accepting ---- */

static void read_addresses(struct conn *c, const struct listen_socket *from, const struct sockaddr_storage *peer, struct client_address *out)
{
    struct sockaddr_storage own = {0};
    int own_len = sizeof(own);
    const struct sockaddr_storage *local = from->local_known ? &from->local : &own;
    if (c->down.is_tcp && (from->local_known || uv_tcp_getsockname(&c->down.u.tcp, (struct sockaddr *)&own, &own_len) == 0))
        peer_address_fill(out, peer, local);
    else
        peer_address_unknown(out, c->down.is_tcp);
}

static bool begin(struct conn *c, const struct listen_socket *from, const struct sockaddr_storage *peer, const struct plan_listener *listener,
                  struct moment now)
{
    struct err err = {0};
    struct client_address client;
    read_addresses(c, from, peer, &client);
    c->x = exchange_new(&c->worker->env, listener, &client, c, now, &err);
    if (c->x == NULL) {
        log_say(LOG_LEVEL_ERROR, "overloaded", "a connection was dropped: %s", err.text);
        return false;
    }
    access_log_accepted(&c->worker->access_log, listener);
    return true;
}

static struct conn *conn_new(struct worker *w, const struct listen_socket *from)
{
    struct conn *c = calloc(1, sizeof(*c));
    if (c == NULL || stream_init(&c->down, w->loop, from->is_tcp, &w->buffer) != 0) {
        free(c);
        return NULL;
    }
    stream_set_owner(&c->down, &down_events, c);
    uv_timer_init(w->loop, &c->timer);
    c->timer.data = c;
    c->handles = 2;
    c->worker = w;
    c->armed_us = UINT64_MAX;
    c->snapshot = snapshot_ref(w->snapshot);
    c->rejudgement = w->rejudgement;
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
    int rc = stream_open(&c->down, fd);
    if (rc != 0)
        log_say(LOG_LEVEL_ERROR, "overloaded", "a connection was dropped: %s", uv_strerror(rc));
    if (rc != 0 || listener == NULL || !begin(c, from, peer, listener, now)) {
        conn_close(c, true);
        return;
    }
    conn_drive(c, now);
}
