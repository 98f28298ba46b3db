/* SPDX-License-Identifier: Apache-2.0 */
#include "spares.h"
#include "connector.h"

#include "mtlsd/base/log.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/proxy/approach.h"

#include <stdlib.h>

enum { RUNS = 16 };

struct spare { /* one that is being made; freed when its timer is closed */
    struct worker *worker;
    struct snapshot *snapshot; /* counted */
    struct dial dial;
    struct approach way;
    uv_timer_t timer; /* until it takes too long */
    struct connector *connector;
    struct upconn *up;
    struct spare *prev, *next;
};

/* ---- the end ---- */

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void leave(struct spare *s)
{
    struct worker *w = s->worker;
    connector_cancel(&s->connector);
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        w->spares = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    approach_clear(&s->way);
    snapshot_unref(s->snapshot);
    uv_close((uv_handle_t *)&s->timer, on_timer_closed);
}

/* Its socket goes with it, after its last words. */
static void drop(struct spare *s)
{
    struct upconn *up = s->up;
    struct uplink *u = s->way.uplink;
    if (up != NULL) {
        s->way.uplink = NULL;
        upconn_serve(up, u);
        upconn_close(u);
    }
    leave(s);
}

static void say_failed(const struct spare *s)
{
    const struct plan_target *t = s->dial.target;
    struct log_line l;
    log_begin(&l, LOG_LEVEL_WARN, "spare_failed", s->way.text);
    log_str(&l, "upstream", t->upstream->conf->name);
    log_str(&l, "target_address", t->conf->text);
    log_str(&l, "reason", reason_word(s->way.reason));
    log_str(&l, "hint", s->way.hint != NULL ? s->way.hint : reason_row(s->way.reason)->hint);
    log_end(&l);
}

static void keep(struct spare *s, struct moment now)
{
    struct uplink *u = s->way.uplink;
    s->way.uplink = NULL;
    upconn_serve(s->up, u);
    stream_read(&s->up->stream, true);
    pool_spare_made(s->worker->env.pool, u, now.us);
    leave(s);
}

/* ---- on the way ---- */

static void flush(struct spare *s)
{
    struct span runs[RUNS];
    struct link *link = &s->way.uplink->link;
    while (s->up != NULL && stream_can_send(&s->up->stream)) {
        size_t sent = stream_send(&s->up->stream, runs, link_runs(link, runs, RUNS));
        if (sent == 0)
            break;
        link_sent(link, sent);
    }
    link_settle(link);
}

static void drive(struct spare *s)
{
    struct worker *w = s->worker;
    struct moment now = worker_now();
    flush(s);
    if (s->way.state == APPROACH_FAILED) {
        say_failed(s);
        pool_spare_failed(w->env.pool, s->dial.target, now.us);
        drop(s);
    } else if (s->way.state == APPROACH_THERE && link_pending(&s->way.uplink->link) == 0) {
        keep(s, now);
    } else {
        if (s->up != NULL)
            stream_read(&s->up->stream, true);
        return;
    }
    worker_reap(w); /* the next one, if more are wanted */
}

static void on_late(uv_timer_t *timer)
{
    struct spare *s = timer->data;
    char text[640];
    if (s->connector != NULL)
        approach_fail(&s->way, connector_describe(s->connector, text, sizeof(text)), text);
    else
        approach_on_late(&s->way);
    drive(s);
}

static void on_read(void *owner, struct span data)
{
    struct spare *s = owner;
    struct tls_engine *tls = s->way.uplink->link.tls;
    approach_on_wire(&s->way, data, worker_now());
    if (tls != NULL)
        tls_engine_wire_keep(tls);
    drive(s);
}

static void on_end(void *owner)
{
    struct spare *s = owner;
    approach_on_eof(&s->way, worker_now());
    approach_fail(&s->way, REASON_UPSTREAM_CLOSED, "the connection was closed before it was ready");
    drive(s);
}

static void on_error(void *owner, const char *text)
{
    struct spare *s = owner;
    approach_fail(&s->way, REASON_UPSTREAM_CLOSED, text);
    drive(s);
}

static void on_sent(void *owner, size_t n)
{
    struct spare *s = owner;
    link_sent(&s->way.uplink->link, n);
    drive(s);
}

static void on_closed(void *owner)
{
    (void)owner; /* it was handed over before it is closed */
}

static const struct stream_events spare_events = {on_read, on_end, on_error, on_sent, on_closed};

static void on_connector_done(void *owner, const struct connector_result *result)
{
    struct spare *s = owner;
    struct moment now = worker_now();
    if (result->up != NULL) {
        s->up = result->up;
        stream_set_owner(&s->up->stream, &spare_events, s);
        approach_on_connected(&s->way, now);
        uv_timer_start(&s->timer, on_late, s->dial.target->upstream->conf->handshake_ms, 0);
    } else {
        approach_fail(&s->way, result->reason, result->text);
    }
    drive(s);
}

static void begin(struct worker *w, const struct plan_target *t, struct moment now)
{
    const struct config_upstream *conf = t->upstream->conf;
    struct err err = {0};
    struct spare *s = calloc(1, sizeof(*s));
    if (s == NULL || approach_init(&s->way, t, true, w->env.tickets, &err) != 0) {
        free(s);
        pool_spare_failed(w->env.pool, t, now.us);
        return;
    }
    s->worker = w;
    s->snapshot = snapshot_ref(w->snapshot);
    s->dial = (struct dial){.target = t, .address = conf->proxy_text != NULL ? &conf->proxy : &t->conf->address};
    s->next = w->spares;
    if (s->next != NULL)
        s->next->prev = s;
    w->spares = s;
    uv_timer_init(w->loop, &s->timer);
    s->timer.data = s;
    uv_timer_start(&s->timer, on_late, conf->connect_ms, 0);
    connector_start(&s->connector, &(struct connector_order){w, s->snapshot, &s->dial, on_connector_done, s});
}

void spares_fill(struct worker *w)
{
    const struct plan_target *t;
    if (w->draining || w->fills_spares || !pool_keeps_spares(w->env.pool))
        return;
    struct moment now = worker_now();
    w->fills_spares = true; /* one that fails at once is followed by the next from here, not from within */
    while (capacity_has_plenty(w->capacity) && (t = pool_wants_spare(w->env.pool, now.us)) != NULL)
        begin(w, t, now);
    w->fills_spares = false;
}

void spares_stop(struct worker *w)
{
    while (w->spares != NULL) {
        pool_spare_failed(w->env.pool, w->spares->dial.target, 0);
        drop(w->spares);
    }
}
