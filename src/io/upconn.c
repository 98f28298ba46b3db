/* SPDX-License-Identifier: Apache-2.0 */
#include "upconn.h"
#include "connector.h"
#include "lifetimes.h"

#include "mtlsd/base/log.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- an idle connection on which the upstream sends something is of no further use ---- */

static void say_spare_ended(const struct uplink *u)
{
    struct log_line l;
    log_begin(&l, LOG_LEVEL_WARN, "spare_failed", "the server closed a spare connection, or sent data on it, within two seconds");
    log_str(&l, "upstream", u->target->upstream->conf->name);
    log_str(&l, "target_address", u->target->conf->text);
    log_str(&l, "hint", "leave pool.spare out of this upstream if its server speaks first or closes connections without an immediate request");
    log_end(&l);
}

static void lose(struct upconn *up)
{
    struct worker *w = up->worker;
    if (pool_lost(w->env.pool, up->uplink, worker_now().us))
        say_spare_ended(up->uplink);
    worker_reap(w);
}

/* ---- events of the socket ---- */

static void on_read(void *owner, struct span data)
{
    struct upconn *up = owner;
    struct uplink *u = up->uplink;
    struct moment now = worker_now();
    if (u->pooled.shelved && u->link.h2 == NULL) { /* a late ticket does no harm; the peer's farewell, or anything out of turn, does */
        if (!link_stays_idle(&u->link, data, now.utc))
            lose(up);
        return;
    }
    uplink_on_wire(u, data, now);
    if (u->pooled.shelved && u->is.stray) /* it came with the end of its handshake */
        lose(up);
    worker_pump(up->worker, now);
}

static void on_end(void *owner)
{
    struct upconn *up = owner;
    struct moment now = worker_now();
    if (up->uplink->pooled.shelved) {
        lose(up);
        return;
    }
    uplink_on_eof(up->uplink, now);
    worker_pump(up->worker, now);
}

static void on_error(void *owner, const char *text)
{
    struct upconn *up = owner;
    struct moment now = worker_now();
    struct run_failure why = {0};
    if (up->uplink->pooled.shelved) {
        lose(up);
        return;
    }
    snprintf(why.text, sizeof(why.text), "%s", text);
    uplink_on_error(up->uplink, &why, now);
    worker_pump(up->worker, now);
}

static void on_sent(void *owner, size_t n)
{
    struct upconn *up = owner;
    struct moment now = worker_now();
    if (up->uplink->phase == UPLINK_RETIRED)
        return;
    run_touch(&up->uplink->link);
    uplink_on_sent(up->uplink, n, now);
    worker_pump(up->worker, now);
}

static void on_closed(void *owner)
{
    struct upconn *up = owner;
    struct worker *w = up->worker;
    uplink_free(up->uplink);
    snapshot_unref(up->snapshot);
    free(up);
    worker_uplink_closed(w);
}

static const struct stream_events up_events = {on_read, on_end, on_error, on_sent, on_closed};

/* ---- for pump ---- */

static size_t send_runs(void *socket, const struct span *runs, size_t n)
{
    struct upconn *up = socket;
    return stream_send(&up->stream, runs, n);
}

/* Everything that the upstream sent before was read. A shortage on our side says nothing about the upstream. */
static bool has_failed(void *socket, struct run_failure *why)
{
    struct upconn *up = socket;
    int error = up->stream.error;
    if (!stream_is_lost(&up->stream))
        return false;
    why->ours = error == UV_ENOMEM || error == UV_ENOBUFS;
    snprintf(why->text, sizeof(why->text), "cannot write to the upstream: %s", uv_strerror(error));
    return true;
}

static bool shut(void *socket)
{
    struct upconn *up = socket;
    if (up->stream.writing)
        return false;
    stream_shut(&up->stream);
    return true;
}

static void end_turn(void *socket, bool reads, struct moment now)
{
    struct upconn *up = socket;
    (void)now;
    stream_end_turn(&up->stream);
    stream_read(&up->stream, reads);
}

const struct run_driver upconn_driver = {.send = send_runs, .has_failed = has_failed, .shut = shut, .end_turn = end_turn};

/* ---- life ---- */

struct upconn *upconn_new(struct worker *w, struct snapshot *snapshot, bool tcp)
{
    struct upconn *up = calloc(1, sizeof(*up));
    if (up == NULL || stream_init(&up->stream, w->loop, tcp, &w->buffer) != 0) {
        free(up);
        capacity_leave_uplink(w->capacity);
        return NULL;
    }
    up->worker = w;
    up->snapshot = snapshot_ref(snapshot);
    up->connect.data = up;
    stream_set_owner(&up->stream, &up_events, up);
    w->n_uplinks++;
    return up;
}

void upconn_shut(struct upconn *up, bool reset)
{
    if (!up->stream.closing)
        capacity_leave_uplink(up->worker->capacity);
    stream_close(&up->stream, reset);
}

static struct worker *worker_of(const struct uplink *u)
{
    return (struct worker *)((char *)u->env - offsetof(struct worker, env));
}

static void on_connector_done(void *owner, const struct connector_result *result)
{
    struct uplink *u = owner;
    struct moment now = worker_now();
    if (result->up != NULL) {
        result->up->uplink = u;
        u->link.socket = result->up;
        uplink_on_connected(u, now);
    } else {
        uplink_on_connect_failed(u, result->reason, result->text, now);
    }
    worker_pump(worker_of(u), now);
}

void upconn_connect(struct uplink *u)
{
    struct worker *w = worker_of(u);
    if (u->target->upstream->owner != w->snapshot)
        lifetimes_expect(w);
    connector_start(&u->opening.connector, &(struct connector_order){w, u->target->upstream->owner, &u->dial, on_connector_done, u});
}

enum reason upconn_describe(const struct uplink *u, char *text, size_t size)
{
    return u->opening.connector != NULL ? connector_describe(u->opening.connector, text, size) : REASON_CONNECT_TIMEOUT;
}

void upconn_close(struct uplink *u)
{
    struct upconn *up = u->link.socket;
    connector_cancel(&u->opening.connector);
    if (up == NULL) { /* it was never connected */
        uplink_free(u);
        return;
    }
    struct span words = uplink_last_words(u);
    bool said = words.len > 0 && stream_send(&up->stream, &words, 1) == words.len;
    run_forget(&u->link);
    upconn_shut(up, u->is.reset && !said);
}
