/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include "mtlsd/base/log.h"
#include "mtlsd/control/health_rules.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/proxy/health_check.h"

#include <stdlib.h>

struct check { /* of one target; freed when its timer is closed */
    struct health *health;
    const struct plan_target *target;
    struct health_rules rules;
    uv_timer_t timer;            /* until the next look, or the end of the time for this one */
    struct health_check *health_check;     /* the look under way; NULL: none */
};

struct health {
    struct worker *worker;
    struct snapshot *snapshot; /* counted */
    struct check **checks;
    size_t n;
};

/* ---- what was found ---- */

static void say(const struct check *c, bool up, const struct health_check_result *r)
{
    const struct plan_target *t = c->target;
    struct log_line l;
    log_begin(&l, up ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, up ? "target_up" : "target_down", up ? "health checks succeed again" : r->text);
    log_str(&l, "upstream", t->upstream->conf->name);
    log_str(&l, "target_address", t->conf->text);
    if (!up && r->reason != REASON_UNDECIDED) {
        log_str(&l, "reason", reason_word(r->reason));
        log_str(&l, "hint", r->hint != NULL ? r->hint : reason_row(r->reason)->hint);
    }
    log_end(&l);
}

static void note(struct check *c, const struct health_check_result *r)
{
    enum health_change change = health_rules_note(&c->rules, r->good);
    if (change == HEALTH_STAYS)
        return;
    target_state_set_down(c->health->snapshot->target_state, c->target->index, change == HEALTH_GOES_DOWN);
    say(c, change == HEALTH_COMES_UP, r);
}

/* ---- one look ---- */

static void wait_for_next(struct check *c, bool first);
static void on_time(uv_timer_t *timer);

static void arm(struct check *c)
{
    uint64_t deadline = health_check_deadline_us(c->health_check), now = worker_now().us;
    uv_timer_start(&c->timer, on_time, deadline > now ? (deadline - now) / 1000 + 1 : 0, 0);
}

static void on_time(uv_timer_t *timer)
{
    struct check *c = timer->data;
    struct health_check_result result;
    if (!health_check_is_done(c->health_check, &result))
        health_check_on_deadline(c->health_check);
    worker_pump(c->health->worker, worker_now());
    if (!health_check_is_done(c->health_check, &result)) {
        arm(c);
        return;
    }
    note(c, &result);
    health_check_free(c->health_check);
    c->health_check = NULL;
    wait_for_next(c, false);
}

/* Not freed from within its own calls. */
static void on_done(void *owner)
{
    struct check *c = owner;
    uv_timer_start(&c->timer, on_time, 0, 0);
}

static void on_deadline_moved(void *owner)
{
    arm(owner);
}

static void on_turn(uv_timer_t *timer)
{
    struct check *c = timer->data;
    struct worker *w = c->health->worker;
    struct moment now = worker_now();
    const struct health_check_owner owner = {.on_done = on_done, .on_deadline_moved = on_deadline_moved, .ctx = c};
    c->health_check = health_check_new(&w->env, c->target, &owner, now);
    if (c->health_check == NULL) {
        wait_for_next(c, false);
        return;
    }
    arm(c); /* its time runs already */
    worker_pump(w, now);
}

static void wait_for_next(struct check *c, bool first)
{
    uint64_t interval = c->target->upstream->conf->health_interval_ms, random;
    if (uv_random(NULL, NULL, &random, sizeof(random), 0, NULL) != 0)
        random = uv_hrtime();
    uint64_t ms = first ? health_rules_first_ms(interval, random) : health_rules_next_ms(interval, random);
    uv_timer_start(&c->timer, on_turn, ms, 0);
}

/* ---- all of them ---- */

static bool add(struct health *h, const struct plan_target *t)
{
    struct check *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return false;
    c->health = h;
    c->target = t;
    c->rules.down = c->rules.known = target_state_is_down(h->snapshot->target_state, t->index); /* known from before a reload */
    uv_timer_init(h->worker->loop, &c->timer);
    c->timer.data = c;
    h->checks[h->n++] = c;
    wait_for_next(c, true);
    return true;
}

/* Targets with checks; the others are up: checks before a reload may have taken one down. */
static size_t count(const struct snapshot *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_targets; i++) {
        if (s->targets[i].upstream->conf->health_interval_ms > 0)
            n++;
        else
            target_state_set_down(s->target_state, i, false);
    }
    return n;
}

struct health *health_start(struct worker *w)
{
    const struct snapshot *s = w->snapshot;
    size_t n = count(s);
    if (n == 0)
        return NULL;
    struct health *h = calloc(1, sizeof(*h));
    struct check **checks = calloc(n, sizeof(*checks));
    if (h == NULL || checks == NULL) {
        free(h);
        free(checks);
        log_say(LOG_LEVEL_ERROR, "health", "out of memory: no target is checked");
        return NULL;
    }
    *h = (struct health){.worker = w, .snapshot = snapshot_ref(w->snapshot), .checks = checks};
    for (size_t i = 0; i < s->n_targets; i++) {
        if (s->targets[i].upstream->conf->health_interval_ms > 0 && !add(h, &s->targets[i]))
            log_say(LOG_LEVEL_ERROR, "health", "out of memory: %s is not checked", s->targets[i].conf->text);
    }
    return h;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void health_stop(struct health *h)
{
    if (h == NULL)
        return;
    for (size_t i = 0; i < h->n; i++) {
        struct check *c = h->checks[i];
        health_check_free(c->health_check);
        uv_close((uv_handle_t *)&c->timer, on_timer_closed);
    }
    snapshot_unref(h->snapshot);
    free(h->checks);
    free(h);
}
