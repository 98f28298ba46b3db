/* SPDX-License-Identifier: Apache-2.0 */
#include "upconn.h"
#include "conn.h"

#include "mtlsd/base/log.h"

#include <stdlib.h>

/* ---- the socket of an uplink ---- */

static void say_spare_ended(const struct uplink *u)
{
    struct log_line l;
    log_begin(&l, LOG_LEVEL_WARN, "spare_failed", "the server closed a spare connection, or sent data on it, within two seconds");
    log_str(&l, "upstream", u->target->upstream->conf->name);
    log_str(&l, "target_address", u->target->conf->text);
    log_str(&l, "hint", "leave pool.spare out of this upstream if its server speaks first or closes connections without an immediate request");
    log_end(&l);
}

/* One that lay idle is of no use any more. */
static void lose(struct upconn *up)
{
    struct worker *w = up->worker;
    if (pool_lost(w->env.pool, up->uplink, worker_now().us))
        say_spare_ended(up->uplink);
    worker_reap(w);
}

static void on_read(void *owner, struct span data)
{
    struct upconn *up = owner;
    struct exchange *x = up->uplink->exchange;
    if (x == NULL) {
        /* In the pool: a late ticket does no harm; the peer's farewell, or anything out of turn, makes it useless. */
        if (!link_stays_idle(&up->uplink->link, data, worker_now().utc))
            lose(up);
        return;
    }
    struct moment now = worker_now();
    exchange_on_wire(x, SIDE_UP, data, now);
    conn_drive(exchange_driver(x), now);
}

static void on_end(void *owner)
{
    struct upconn *up = owner;
    struct exchange *x = up->uplink->exchange;
    if (x == NULL) {
        lose(up);
        return;
    }
    struct moment now = worker_now();
    exchange_on_eof(x, SIDE_UP, now);
    conn_drive(exchange_driver(x), now);
}

static void on_error(void *owner, const char *text)
{
    struct upconn *up = owner;
    struct exchange *x = up->uplink->exchange;
    if (x == NULL) {
        on_end(owner);
        return;
    }
    struct moment now = worker_now();
    exchange_on_error(x, SIDE_UP, text, now);
    conn_drive(exchange_driver(x), now);
}

static void on_sent(void *owner, size_t n)
{
    struct upconn *up = owner;
    struct exchange *x = up->uplink->exchange;
    if (x == NULL)
        return;
    struct moment now = worker_now();
    exchange_on_sent(x, SIDE_UP, n, now);
    conn_drive(exchange_driver(x), now);
}

void upconn_closed(struct upconn *up)
{
    struct worker *w = up->worker;
    uplink_free(up->uplink);
    snapshot_unref(up->snapshot);
    free(up);
    worker_uplink_closed(w);
}

static void on_closed(void *owner)
{
    upconn_closed(owner);
}

static const struct stream_events up_events = {on_read, on_end, on_error, on_sent, on_closed};

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

void upconn_serve(struct upconn *up, struct uplink *u)
{
    up->uplink = u;
    u->driver = up;
    stream_set_owner(&up->stream, &up_events, up);
}

void upconn_close(struct uplink *u)
{
    struct upconn *up = u->driver;
    if (up == NULL) { /* made, but its socket never was handed over */
        uplink_free(u);
        return;
    }
    struct span words = uplink_last_words(u);
    bool said = words.len > 0 && stream_send(&up->stream, &words, 1) == words.len;
    upconn_shut(up, u->reset && !said);
}
