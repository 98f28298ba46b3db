/* SPDX-License-Identifier: Apache-2.0 */
#include "run_admin.h"
#include "run_end.h"
#include "run_passed.h"
#include "run_reload.h"
#include "run_tell.h"

#include "mtlsd/base/log.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/fetch_round.h"
#include "mtlsd/io/file_watch.h"

#include <string.h>

static void on_admin_reload(void *ctx, struct admin_pending *pending)
{
    struct run *r = ctx;
    if (run_reload_ask(r, pending, true) != RELOAD_REFUSED)
        return;
    struct findings none; /* the findings of a running load belong to its thread */
    findings_init(&none);
    findings_add(&none, FINDING_ERROR, "", "too many reloads wait already: try again");
    struct admin_reload refused = {.generation = r->generation, .findings = &none};
    admin_listener_reloaded(pending, &refused);
    findings_clear(&none);
}

static void on_admin_drain(void *ctx)
{
    run_end_drain(ctx);
}

static const struct admin_view *glance(void *ctx)
{
    struct run *r = ctx;
    r->view = (struct admin_view){
        .version = MTLSD_VERSION,
        .now = clock_now(),
        .now_us = clock_monotonic_us(),
        .started = r->started,
        .workers = server_workers(r->server),
        .ready = !server_is_draining(r->server),
        .draining = server_is_draining(r->server),
        .snapshot = server_snapshot(r->server),
        .counters = &r->counters,
        .fetches = r->crls.round != NULL ? fetch_round_plan(r->crls.round) : NULL,
        .reloads = r->reload.count,
        .rotations = r->reload.rotations,
        .fallback = &r->reload.fallback,
        .renewals = &r->renewal.plan,
        .sandbox = &r->sandbox,
        .files_polled = file_watch_polls(r->rotation.credentials) || file_watch_polls(r->rotation.config) || file_watch_polls(r->crls.watch),
        .last_reload = r->reload.last,
        .last_reload_error = r->reload.last_error,
        .last_handover = r->handover.last,
        .last_handover_error = r->handover.last_error,
        .handovers_refused = r->handover.refused,
    };
    server_room(r->server, &r->view.room);
    run_keys_view(&r->keys, &r->view.keys);
    r->view.ocsp = run_ocsp_view(&r->ocsp);
    r->view.workload = run_workload_view(&r->workload);
    return &r->view;
}

static const struct admin_view *make_view(void *ctx)
{
    struct run *r = ctx;
    run_tell_dates(r); /* who is shown that something ended finds the line about it */
    counters_clear(&r->counters);
    if (counters_init(&r->counters, COUNTERS_ROWS) == 0)
        server_sum_counters(r->server, &r->counters);
    (void)glance(r);
    r->view.refusals = r->refusals;
    r->view.n_refusals = refusals_copy(server_refusals(r->server), r->refusals, REFUSALS_KEPT);
    return &r->view;
}

void run_admin_serve(void *ctx, int fd, enum config_serve what)
{
    struct run *r = ctx;
    admin_pages_take(r->pages, fd, what);
}

static struct admin_hooks hooks_of(struct run *r)
{
    return (struct admin_hooks){.ctx = r, .view = make_view, .glance = glance, .reload = on_admin_reload, .drain = on_admin_drain};
}

/* Workers and pages share a port in the same way: a socket of ours on the same port is no other daemon. */
int run_admin_health_open(struct run *r, const struct config *next, struct admin_listener **out, struct err *err)
{
    const struct config_health *place = &next->health;
    const struct admin_hooks hooks = hooks_of(r);
    int handed = place->text != NULL ? predecessor_fd(r->before, HANDOVER_HEALTH, place->text) : -1;
    *out = r->health;
    if (place->text == NULL)
        *out = NULL;
    else if (handed >= 0)
        *out = admin_listener_start_health_on(server_loop(r->server), handed, &hooks, err);
    else if (r->health == NULL || !address_same(&place->address, &r->health_at))
        *out = admin_listener_start_health(server_loop(r->server), place, r->health == NULL || r->health_at.port != place->address.port, &hooks, err);
    return *out != NULL || place->text == NULL ? 0 : -1;
}

void run_admin_health_use(struct run *r, const struct config *config, struct admin_listener *next)
{
    if (r->health != next)
        admin_listener_stop(r->health);
    if (r->health != next && next != NULL)
        log_say(LOG_LEVEL_INFO, "listening", "admin.health on %s, for health probes", config->health.text);
    r->health = next;
    r->health_at = config->health.address;
}

void run_admin_health_drop(struct run *r, struct admin_listener *next)
{
    if (next != r->health)
        admin_listener_stop(next);
}

static int start_health(struct run *r, struct err *err)
{
    const struct config *config = server_snapshot(r->server)->config;
    struct admin_listener *health;
    if (run_admin_health_open(r, config, &health, err) != 0)
        return -1;
    run_admin_health_use(r, config, health);
    return 0;
}

int run_admin_start(struct run *r, struct err *err)
{
    const struct admin_hooks hooks = hooks_of(r);
    if (start_health(r, err) != 0)
        return -1;
    if ((r->pages = admin_pages_start(server_loop(r->server), &hooks)) == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    const char *path = server_snapshot(r->server)->config->admin_socket;
    if (path == NULL)
        return 0;
    if ((r->reload.started_socket = strdup(path)) == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    const char *name = run_passed_name(r->reload.started_socket);
    int fd = name != NULL ? run_passed_admin(r->passed, name, err) : predecessor_fd(r->before, HANDOVER_ADMIN, path);
    if (name == NULL && fd < 0)
        r->admin = admin_listener_start(server_loop(r->server), path, &hooks, err);
    else if (fd >= 0)
        r->admin = admin_listener_start_on(server_loop(r->server), fd, r->reload.started_socket, &hooks, err);
    return r->admin != NULL ? 0 : -1;
}
