/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/daemon/run.h"
#include "run_admin.h"
#include "run_end.h"
#include "run_fallback.h"
#include "run_handover.h"
#include "run_log.h"
#include "run_passed.h"
#include "run_reload.h"
#include "run_sandbox.h"
#include "run_tell.h"

#include "mtlsd/base/log.h"
#include "mtlsd/daemon/command_fail.h"
#include "mtlsd/daemon/run_user.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/log_file.h"
#include "mtlsd/io/ticker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    EXPIRY_LOOK_MS = 60 * 1000, /* how late it may be noticed that a certificate has ended */
};

void run_print_findings(const struct findings *findings)
{
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *f = &findings->items[i];
        fprintf(stderr, "mtlsd: %s: %s%s%s\n", finding_level_word(f->level), f->where, f->where[0] != '\0' ? ": " : "", f->text);
    }
    if (findings->out_of_memory)
        fprintf(stderr, "mtlsd: error: out of memory\n");
}

static void on_signal(void *ctx, enum server_signal what)
{
    struct run *r = ctx;
    if (what == SERVER_RELOAD)
        run_reload_ask(r, NULL, true);
    else if (what == SERVER_REOPEN_LOG)
        run_log_reopen();
    else if (what == SERVER_DRAIN)
        run_end_drain(r);
    else if (what == SERVER_HAND_OVER)
        run_handover_ask(r);
    else
        run_end_stop(r);
}

static void on_running(void *ctx)
{
    struct run *r = ctx;
    run_handover_settle(r);
    run_service_start(&r->service, r->server);
}

static int fail(struct run *r, const struct err *err)
{
    predecessor_fail(r->before, err->text);
    return command_fail_err(err);
}

static void look_at_dates(void *ctx)
{
    run_tell_dates(ctx);
    run_fallback_look(ctx);
}

/* The order counts: sockets and logs are open, and the key process gives up its rights first. */
static int settle(struct run *r, struct err *err)
{
    const struct config *config = server_snapshot(r->server)->config;
    return run_admin_start(r, err) == 0 && run_keys_watch(&r->keys, r->server, err) == 0 && run_workload_watch(&r->workload, r->server, err) == 0 && run_keys_become(&r->keys, r->user, err) == 0 &&
                   run_user_become(r->user, config, err) == 0
               ? 0
               : -1;
}

/* Takes snapshot: once the server has another one, its keys must go with it. */
static int serve(struct run *r, struct snapshot *snapshot)
{
    struct err err = {0};
    struct server_hooks hooks = {r, on_signal, run_handover_wait, on_running, run_admin_serve, run_fallback_on_refused, r->passed, predecessor_listeners(r->before)};
    server_hold_signals(true);
    r->server = server_new(snapshot, &hooks, &err);
    snapshot_unref(snapshot);
    if (r->server == NULL)
        return fail(r, &err);
    int code = COMMAND_FINE;
    r->reload.started_workers = server_snapshot(r->server)->config->workers;
    if (settle(r, &err) == 0) {
        run_sandbox_calls(r);
        run_crls_follow(&r->crls, r->server);
        run_ocsp_follow(&r->ocsp, r->server);
        r->rotation.hooks = (struct run_rotation_hooks){r, run_reload_on_files};
        r->workload.load = run_reload_on_files;
        r->workload.load_ctx = r;
        run_rotation_follow(&r->rotation, r->server, &r->reload.prints);
        run_rotation_forget(&r->reload.prints);
        run_reload_registries(r);
        run_renewal_follow(r);
        run_tell_listening(server_snapshot(r->server));
        r->expiry_looked = r->started;
        r->expiry = ticker_start(server_loop(r->server), EXPIRY_LOOK_MS, look_at_dates, r);
        log_file_flush();
    }
    if (err.kind != ERR_NONE || server_run(r->server, &err) != 0)
        code = fail(r, &err);
    if (r->keys.ended)
        code = COMMAND_FAILED;
    run_keys_unwatch(&r->keys);
    run_workload_unwatch(&r->workload);
    run_handover_stop(r);
    admin_listener_stop(r->admin);
    admin_listener_stop(r->health);
    admin_pages_stop(r->pages);
    ticker_stop(r->expiry);
    run_service_stop(&r->service);
    run_crls_stop(&r->crls);
    run_ocsp_stop(&r->ocsp);
    run_rotation_stop(&r->rotation);
    run_renewal_stop(r);
    bool held = !registry_pool_stop(r->registries) || r->reload.queue.running || r->reload.asks || run_renewal_is_busy(r) || run_crls_is_busy(&r->crls) || server_is_held(r->server);
    code = run_end_said(r, code);
    if (!held) {
        run_renewal_clear(r);
        server_free(r->server);
    }
    log_file_flush();
    if (held) /* by a thread that may need long: the time to end is promised, and the kernel tidies up */
        _exit(code);
    counters_clear(&r->counters);
    fallback_clear(&r->reload.fallback);
    free(r->reload.last_error);
    free(r->reload.started_socket);
    return code;
}

/* On standard error, and for the log of the process whose place we were to take. */
static void refuse(struct predecessor *before, const struct findings *findings)
{
    run_print_findings(findings);
    for (size_t i = 0; i < findings->n; i++)
        if (findings->items[i].level == FINDING_ERROR) {
            char text[400];
            const struct finding *f = &findings->items[i];
            snprintf(text, sizeof(text), "%s%s%s", f->where, f->where[0] != '\0' ? ": " : "", f->text);
            predecessor_fail(before, text);
            return;
        }
    predecessor_fail(before, "out of memory");
}

/* As root: which user to become is known before any key is read. Nothing runs if that cannot be. */
static int find_user(struct run *r, const struct config *config, struct findings *findings, struct err *err)
{
    if (privilege_find(config->user, config->group, &r->user, err) != 0)
        return -1;
    r->started_user = config->user != NULL ? strdup(config->user) : NULL;
    r->started_group = config->group != NULL ? strdup(config->group) : NULL;
    privilege_look_as(r->user, &r->crls.files);
    run_user_review(r->user, config, findings);
    return 0;
}

/* Takes config. */
/* The key process is forked first, and opens other files than this one. */
static int start_keys(struct run *r, const struct config *config, struct findings *findings, struct err *err)
{
    struct workload_order order;
    if (find_user(r, config, findings, err) != 0 || run_workload_prepare(&r->workload, config, err) != 0 ||
        run_keys_start(&r->keys, config, r->user, run_workload_order(&r->workload, &order), err) != 0)
        return -1;
    run_sandbox_files(r, config);
    r->crls.files.identities = run_keys_source(&r->keys);
    return run_workload_start(&r->workload, &r->keys, &r->crls.files, err);
}

static int run_config(struct config *config, const struct run_options *options, struct predecessor *before)
{
    struct err err = {0};
    struct run_log_opened log;
    log_setup((enum log_level)config->log_level, run_log_format(config), log_file_write, NULL, clock_now_precise);
    signal(SIGPIPE, SIG_IGN); /* a reader of the log that goes away early must not end us */
    signal(SIGUSR1, SIG_IGN); /* until the handler is set: a rotation during the start must not end us */
    if (run_log_open(config, &log, &err) != 0) {
        predecessor_fail(before, err.text);
        predecessor_free(before);
        command_fail_err(&err);
        config_free(config);
        return COMMAND_REFUSED;
    }
    run_log_use(config, &log);
    struct findings findings;
    findings_init(&findings);
    int64_t now = clock_now();
    struct run r = {.options = options, .before = before, .generation = 1, .started = now, .reload = {.count = {.last_good = now}}};
    run_handover_prepare(&r, config);
    r.passed = before != NULL ? predecessor_passed(before) : run_passed_take(&err);
    r.reload.rotations = rotation_counts_new();
    r.registries = registry_pool_new();
    if (r.reload.rotations == NULL || r.registries == NULL || run_crls_begin(&r.crls) != 0 || run_ocsp_begin(&r.ocsp) != 0 || err.kind != ERR_NONE)
        findings.out_of_memory = 1;
    else
        r.crls.files.registries = registry_pool_source(r.registries);
    r.crls.files.ocsp = r.ocsp.store;
    run_rotation_look(&r.reload.prints, config);
    struct snapshot *snapshot = NULL;
    if (start_keys(&r, config, &findings, &err) == 0) {
        snapshot = run_reload_load(&r, config, r.generation, &findings);
    } else {
        findings_add(&findings, FINDING_ERROR, config->path, "%s", err.text);
        config_free(config);
    }
    if (snapshot != NULL)
        run_passed_review(r.passed, snapshot->config, &findings);
    run_tell_translate(options, &findings);
    if (snapshot == NULL)
        refuse(before, &findings);
    else
        run_tell_findings("configuration", &findings);
    findings_clear(&findings);
    int code = snapshot != NULL ? serve(&r, snapshot) : err.kind == ERR_IO ? COMMAND_FAILED : COMMAND_REFUSED;
    run_crls_end(&r.crls);
    run_ocsp_end(&r.ocsp);
    run_rotation_forget(&r.reload.prints);
    rotation_counts_free(r.reload.rotations);
    inherited_free(r.passed);
    run_handover_end(&r);
    predecessor_free(r.before);
    run_workload_stop(&r.workload);
    if (snapshot == NULL && r.registries != NULL)
        registry_pool_stop(r.registries);
    registry_pool_free(r.registries);
    run_keys_end(&r.keys);
    privilege_free(r.user);
    free(r.started_user);
    free(r.started_group);
    return code;
}

int daemon_run(const struct run_options *options)
{
    struct err err = {0};
    struct predecessor *before;
    server_hold_signals(false);
    signal(SIGUSR2, SIG_IGN); /* until the handler is set, as SIGUSR1 */
    if (predecessor_take(&before, &err) != 0)
        return command_fail_err(&err);
    struct findings findings;
    findings_init(&findings);
    struct config *config = run_reload_read(options, &findings);
    run_tell_translate(options, &findings);
    if (config == NULL)
        refuse(before, &findings);
    else
        run_print_findings(&findings);
    findings_clear(&findings);
    if (config != NULL)
        return run_config(config, options, before);
    predecessor_free(before);
    return COMMAND_REFUSED;
}
