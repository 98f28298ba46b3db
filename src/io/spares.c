/* SPDX-License-Identifier: Apache-2.0 */
#include "spares.h"

#include "mtlsd/base/log.h"
#include "mtlsd/policy/reason.h"

#include <stdlib.h>

struct spare { /* a connection that is being made */
    struct uplink_use use; /* first */
    struct worker *worker;
    struct spare *prev, *next;
};

/* Its connection is kept by the pool by now, or retired. */
static void leave(struct spare *s)
{
    uplink_leave(&s->use);
    *(s->prev != NULL ? &s->prev->next : &s->worker->spares.first) = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    free(s);
}

static void say_failed(const struct plan_target *t, enum reason reason, const char *text, const char *hint)
{
    struct log_line l;
    log_begin(&l, LOG_LEVEL_WARN, "spare_failed", text);
    log_str(&l, "upstream", t->upstream->conf->name);
    log_str(&l, "target_address", t->conf->text);
    log_str(&l, "reason", reason_word(reason));
    log_str(&l, "hint", hint != NULL ? hint : reason_row(reason)->hint);
    log_end(&l);
}

/* ---- what happens to it ---- */

static void on_open(struct uplink_use *use, struct moment now)
{
    struct spare *s = (struct spare *)use;
    struct uplink *u = use->uplink;
    struct pool *pool = s->worker->env.pool;
    leave(s);
    pool_spare_made(pool, u, now.us);
}

static void on_failed(struct uplink_use *use, enum reason reason, const char *text, const char *hint, struct moment now)
{
    struct spare *s = (struct spare *)use;
    struct uplink *u = use->uplink;
    struct pool *pool = s->worker->env.pool;
    bool cut = reason == REASON_TRUNCATED; /* nothing was begun that could be incomplete: it just hung up */
    say_failed(u->target, cut ? REASON_UPSTREAM_CLOSED : reason, text, hint);
    leave(s);
    pool_spare_failed(pool, u->target, now.us);
    pool_retire(pool, u);
}

static bool takes(const struct uplink_use *use)
{
    (void)use;
    return true;
}

static void on_sent(struct uplink_use *use, size_t n, struct moment now)
{
    (void)use;
    (void)n;
    (void)now;
}

/* It is open before anything can come, and then in the pool. */
static bool on_bytes(struct uplink_use *use, struct span in, struct moment now)
{
    (void)use;
    (void)in;
    (void)now;
    return false;
}

static const struct uplink_events events = {.on_open = on_open, .on_failed = on_failed, .takes = takes, .on_sent = on_sent, .on_bytes = on_bytes};

/* ---- life ---- */

static void begin(struct worker *w, const struct plan_target *t, struct moment now)
{
    const struct config_upstream *conf = t->upstream->conf;
    const struct dial dial = {.target = t, .address = conf->proxy_text != NULL ? &conf->proxy : &t->conf->address};
    struct err err = {0};
    struct spare *s = calloc(1, sizeof(*s));
    struct uplink *u = s != NULL ? uplink_new(&w->env, &dial, UPLINK_HTTP, w->env.tickets, now, &err) : NULL;
    if (u == NULL) {
        free(s);
        pool_spare_failed(w->env.pool, t, now.us);
        return;
    }
    *s = (struct spare){.use = {.events = &events}, .worker = w, .next = w->spares.first};
    if (s->next != NULL)
        s->next->prev = s;
    w->spares.first = s;
    uplink_join(u, &s->use);
}

void spares_fill(struct worker *w)
{
    const struct plan_target *t;
    if (w->end.draining || w->spares.fills || !pool_keeps_spares(w->env.pool))
        return;
    struct moment now = worker_now();
    w->spares.fills = true; /* when one fails at once, the next begins in this loop and not inside the callback */
    while (capacity_has_plenty(w->capacity) && (t = pool_wants_spare(w->env.pool, now.us)) != NULL) {
        begin(w, t, now);
        worker_pump(w, now);
    }
    w->spares.fills = false;
}

void spares_expire(struct worker *w, struct moment now)
{
    for (struct spare *s = w->spares.first, *next; s != NULL; s = next) {
        next = s->next;
        if (uplink_deadline_us(s->use.uplink) <= now.us)
            uplink_on_late(s->use.uplink, now);
    }
}

void spares_stop(struct worker *w)
{
    for (struct spare *s; (s = w->spares.first) != NULL;) {
        struct uplink *u = s->use.uplink;
        leave(s);
        pool_spare_failed(w->env.pool, u->target, 0);
        pool_retire(w->env.pool, u);
    }
}
