/* SPDX-License-Identifier: Apache-2.0 */
#include "run_reload.h"
#include "run_admin.h"
#include "run_fallback.h"
#include "run_handover.h"
#include "run_log.h"
#include "run_passed.h"
#include "run_tell.h"

#include "mtlsd/base/log.h"
#include "mtlsd/control/expiry.h"
#include "mtlsd/daemon/run_user.h"
#include "mtlsd/io/canary.h"
#include "mtlsd/io/clock.h"

#include <stdlib.h>
#include <string.h>

/* Takes config. */
struct snapshot *run_reload_load(const struct run *r, struct config *config, uint64_t generation, struct findings *findings)
{
    struct file_source files = r->crls.files;
    files.instead = &r->reload.instead;
    files.before = r->reload.old;
    files.renewed = r->reload.renewed;
    struct snapshot *snapshot = snapshot_new(config, &files, generation, clock_now(), findings);
    if (snapshot != NULL)
        run_keys_review(&r->keys, snapshot, findings);
    return snapshot;
}

struct config *run_reload_read(const struct run_options *options, struct findings *findings)
{
    return options->path != NULL ? config_load(options->path, findings) : config_parse(options->text, options->place, findings);
}

/* Renewed certificates are compared with those in use, and tried on the upstreams. */
static void try_identities(struct run_reload *reload, struct findings *findings)
{
    if (rotation_compare(reload->old, reload->loaded, &reload->rotation) != 0)
        findings->out_of_memory = 1;
    run_fallback_try(reload, findings);
    rotation_review(&reload->rotation, reload->loaded, clock_now(), findings);
    if (!findings_failed(findings))
        canary_try(&reload->rotation, reload->old, reload->loaded, findings);
}

static void load_again(void *ctx)
{
    struct run *r = ctx;
    struct run_reload *reload = &r->reload;
    uint64_t began_us = clock_cpu_us();
    struct config *config = reload->reads_config ? run_reload_read(r->options, &reload->findings) : config_ref(reload->old->config);
    if (config != NULL) {
        run_rotation_look(&reload->prints, config);
        reload->loaded = run_reload_load(r, config, r->generation + 1, &reload->findings);
    }
    if (reload->loaded != NULL)
        try_identities(reload, &reload->findings);
    if (reload->loaded != NULL && !findings_failed(&reload->findings))
        run_renewal_write(r, reload);
    reload->took_us = clock_cpu_us() - began_us;
}

static void note_result(struct run *r, const char *error)
{
    free(r->reload.last_error);
    r->reload.last_error = error != NULL ? strdup(error) : NULL;
    r->reload.last = clock_now();
    r->reload.count.good += error == NULL;
    r->reload.count.bad += error != NULL;
    r->reload.count.last_good = error == NULL ? r->reload.last : r->reload.count.last_good;
    run_service_enter(&r->service, server_is_draining(r->server) ? SERVICE_STOPPING : SERVICE_READY, r->reload.last_error);
    struct admin_reload result = {
        .ok = error == NULL, .generation = r->generation, .findings = &r->reload.findings};
    for (void *who; (who = reload_next_answer(&r->reload.queue)) != NULL;)
        admin_listener_reloaded(who, &result);
}

static const char *first_error(const struct findings *findings)
{
    for (size_t i = 0; i < findings->n; i++) {
        if (findings->items[i].level == FINDING_ERROR)
            return findings->items[i].text;
    }
    return "out of memory";
}

/* The log files and admin.health are opened before anything changes, and used once nothing can fail any more. */
static int adopt(struct run *r, struct snapshot *loaded, struct err *err)
{
    struct run_log_opened log;
    struct admin_listener *health;
    if (expiry_check_succession(loaded, server_snapshot(r->server), clock_now(), err) != 0 || run_log_open(loaded->config, &log, err) != 0)
        return -1;
    if (run_admin_health_open(r, loaded->config, &health, err) != 0) {
        run_log_close(&log);
        return -1;
    }
    if (server_adopt(r->server, loaded, err) == 0) {
        reload_review(loaded->config, r->reload.started_workers, r->reload.started_socket, &r->reload.findings);
        run_passed_review(r->passed, loaded->config, &r->reload.findings);
        run_user_compare(r->started_user, r->started_group, loaded->config, &r->reload.findings);
        run_keys_compare(&r->keys, loaded->config, &r->reload.findings);
        run_log_use(loaded->config, &log);
        run_admin_health_use(r, loaded->config, health);
        return 0;
    }
    run_admin_health_drop(r, health);
    run_log_close(&log);
    return -1;
}

static void on_rows(void *ctx, bool withdrawn)
{
    struct run *r = ctx;
    server_rejudge_rows(r->server, withdrawn);
}

void run_reload_registries(struct run *r)
{
    const struct registry_pool_hooks hooks = {server_loop(r->server), server_background(r->server), on_rows, r};
    if (registry_pool_follow(r->registries, server_snapshot(r->server), &hooks) != 0)
        log_say(LOG_LEVEL_ERROR, "registry", "out of memory: changed rows count for new connections only");
}

static void finish_reload(void *ctx)
{
    struct run *r = ctx;
    struct err err = {0};
    struct snapshot *loaded = r->reload.loaded;
    bool good = loaded != NULL && !findings_failed(&r->reload.findings);
    r->reload.loaded = NULL;
    if (good && adopt(r, loaded, &err) != 0)
        findings_add(&r->reload.findings, FINDING_ERROR, "", "%s", err.text);
    good = good && err.kind == ERR_NONE;
    run_tell_translate(r->options, &r->reload.findings);
    run_tell_findings("configuration", &r->reload.findings);
    if (good) {
        r->generation = loaded->generation;
        log_say(LOG_LEVEL_INFO, "reload", "the new configuration is in use, generation %llu", (unsigned long long)r->generation);
        run_tell_listening(loaded);
        run_crls_follow(&r->crls, r->server);
        run_ocsp_follow(&r->ocsp, r->server);
        run_rotation_follow(&r->rotation, r->server, &r->reload.prints);
        admin_pages_end_streams(r->pages); /* they would hold the old one */
        note_result(r, NULL);
    } else {
        log_say(LOG_LEVEL_ERROR, "reload", "refused, the old configuration stays in use: %s", first_error(&r->reload.findings));
        note_result(r, first_error(&r->reload.findings));
    }
    bool by_files = !r->reload.reads_config || r->reload.rotation.n > 0;
    rotation_counts_add(r->reload.rotations, &r->reload.rotation, good);
    run_fallback_end(r, good ? loaded : NULL);
    r->reload.renewed = NULL;
    run_renewal_end(r, good ? loaded : NULL, good ? NULL : first_error(&r->reload.findings));
    rotation_clear(&r->reload.rotation);
    run_rotation_end(&r->rotation, r->server, r->reload.took_us, good ? RUN_ROTATION_USED : by_files ? RUN_ROTATION_TRY_AGAIN : RUN_ROTATION_GIVE_UP);
    run_rotation_forget(&r->reload.prints);
    run_workload_end_load(&r->workload, good);
    run_reload_registries(r);
    snapshot_unref(loaded);
    snapshot_unref(r->reload.old);
    r->reload.old = NULL;
    findings_clear(&r->reload.findings);
    bool again = reload_end(&r->reload.queue);
    run_handover_go_on(r);
    if (again)
        run_reload_begin(r);
}

void run_reload_refuse(struct run *r, const char *why)
{
    findings_init(&r->reload.findings);
    findings_add(&r->reload.findings, FINDING_ERROR, "", "%s", why);
    r->reload.reads_config = true;
    r->reload.wants_config = false;
    r->reload.took_us = 0;
    finish_reload(r);
}

void run_reload_begin(struct run *r)
{
    if (run_handover_delays_reload(r))
        return;
    findings_init(&r->reload.findings);
    run_rotation_begin(&r->rotation);
    run_workload_begin(&r->workload);
    r->reload.reads_config = r->reload.wants_config;
    r->reload.wants_config = false;
    r->reload.took_us = 0;
    run_fallback_begin(&r->reload);
    r->reload.renewed = run_renewal_offer(r);
    r->reload.old = snapshot_ref((struct snapshot *)(uintptr_t)server_snapshot(r->server)); /* only its count changes */
    run_service_enter(&r->service, SERVICE_RELOADING, r->reload.last_error);
    if (background_do_apart(server_background(r->server), load_again, finish_reload, r) != 0)
        finish_reload(r);
}

enum reload_turn run_reload_ask(struct run *r, struct admin_pending *who, bool config)
{
    r->reload.wants_config = r->reload.wants_config || config;
    enum reload_turn turn = reload_ask(&r->reload.queue, who);
    if (turn == RELOAD_NOW)
        run_reload_begin(r);
    return turn;
}

void run_reload_on_files(void *ctx, bool config)
{
    struct run *r = ctx;
    if (!server_is_draining(r->server))
        run_reload_ask(r, NULL, config);
}
