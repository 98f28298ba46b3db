/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"
#include "connector.h"

#include "mtlsd/base/log.h"
#include "mtlsd/control/health_rules.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/proxy/health_check.h"

#include <stdlib.h>

enum { RUNS = 16 };

struct check { /* of one target; freed when its timer is closed */
    struct health *health;
    struct dial dial;
    struct health_rules rules;
    uv_timer_t timer;            /* until the next look, or the end of the time for this one */
    struct health_check *health_check;     /* the look under way; NULL: none */
    struct connector *connector;
    struct upconn *up;
};

struct health {
    struct worker *worker;
    struct snapshot *snapshot; /* counted */
    struct check **checks;
    size_t n;
};

static void drive(struct check *c);

/* ---- what was found ---- */

static void say(const struct check *c, bool up, const struct health_check_result *r)
{
    const struct plan_target *t = c->dial.target;
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
    target_state_set_down(c->health->snapshot->target_state, c->dial.target->index, change == HEALTH_GOES_DOWN);
    say(c, change == HEALTH_COMES_UP, r);
}

/* ---- an abandoned connection ---- */

static void ignore_read(void *owner, struct span data)
{
    (void)owner;
    (void)data;
}

static void ignore(void *owner)
{
    (void)owner;
}

static void ignore_error(void *owner, const char *text)
{
    (void)owner;
    (void)text;
}

static void ignore_sent(void *owner, size_t n)
{
    (void)owner;
    (void)n;
}

static void on_closed(void *owner)
{
    upconn_closed(owner);
}

static const struct stream_events no_events = {ignore_read, ignore, ignore_error, ignore_sent, on_closed};

static void drop_connection(struct check *c)
{
    connector_cancel(&c->connector);
    if (c->up != NULL) {
        stream_set_owner(&c->up->stream, &no_events, c->up);
        upconn_shut(c->up, false);
        c->up = NULL;
    }
    health_check_free(c->health_check);
    c->health_check = NULL;
}

/* ---- one look ---- */

static void wait_for_next(struct check *c, bool first);

static void flush(struct check *c)
{
    struct span runs[RUNS];
    struct link *link = health_check_link(c->health_check);
    while (c->up != NULL && stream_can_send(&c->up->stream)) {
        size_t sent = stream_send(&c->up->stream, runs, link_runs(link, runs, RUNS));
        if (sent == 0)
            break;
        link_sent(link, sent);
    }
    link_settle(link);
    if (c->up != NULL && stream_is_lost(&c->up->stream))
        health_check_on_failed(c->health_check, REASON_UPSTREAM_CLOSED, "cannot write to the target");
}

static void on_late(uv_timer_t *timer)
{
    struct check *c = timer->data;
    char text[640];
    if (c->connector != NULL)
        health_check_on_failed(c->health_check, connector_describe(c->connector, text, sizeof(text)), text);
    else
        health_check_on_deadline(c->health_check);
    drive(c);
}

static void drive(struct check *c)
{
    struct health_check_result result;
    flush(c);
    if (health_check_is_done(c->health_check, &result)) {
        note(c, &result);
        drop_connection(c);
        wait_for_next(c, false);
        return;
    }
    if (c->up != NULL)
        stream_read(&c->up->stream, true);
    uint64_t deadline = health_check_deadline_us(c->health_check), now = worker_now().us;
    uv_timer_start(&c->timer, on_late, deadline > now ? (deadline - now) / 1000 + 1 : 0, 0);
}

static void on_read(void *owner, struct span data)
{
    struct check *c = owner;
    struct exchange_env *env = &c->health->worker->env;
    health_check_on_wire(c->health_check, data, env->scratch, env->scratch_size, worker_now());
    drive(c);
}

static void on_end(void *owner)
{
    struct check *c = owner;
    health_check_on_eof(c->health_check, worker_now());
    drive(c);
}

static void on_error(void *owner, const char *text)
{
    struct check *c = owner;
    health_check_on_failed(c->health_check, REASON_UPSTREAM_CLOSED, text);
    drive(c);
}

static void on_sent(void *owner, size_t n)
{
    struct check *c = owner;
    link_sent(health_check_link(c->health_check), n);
    drive(c);
}

static const struct stream_events check_events = {on_read, on_end, on_error, on_sent, ignore};

static void on_connector_done(void *owner, const struct connector_result *result)
{
    struct check *c = owner;
    if (result->up != NULL) {
        c->up = result->up;
        stream_set_owner(&c->up->stream, &check_events, c);
        health_check_on_connected(c->health_check, worker_now());
    } else {
        health_check_on_failed(c->health_check, result->reason, result->text);
    }
    drive(c);
}

static void on_turn(uv_timer_t *timer)
{
    struct check *c = timer->data;
    struct health *h = c->health;
    c->health_check = health_check_new(c->dial.target, worker_now());
    if (c->health_check == NULL) {
        wait_for_next(c, false);
        return;
    }
    connector_start(&c->connector, &(struct connector_order){h->worker, h->snapshot, &c->dial, on_connector_done, c});
    if (c->connector != NULL)
        drive(c); /* its time runs already */
}

static void wait_for_next(struct check *c, bool first)
{
    uint64_t interval = c->dial.target->upstream->conf->health_interval_ms, random;
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
    const struct config_upstream *up = t->upstream->conf;
    c->health = h;
    c->dial = (struct dial){.target = t, .address = up->proxy_text != NULL ? &up->proxy : &t->conf->address};
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
        drop_connection(c);
        uv_close((uv_handle_t *)&c->timer, on_timer_closed);
    }
    snapshot_unref(h->snapshot);
    free(h->checks);
    free(h);
}
