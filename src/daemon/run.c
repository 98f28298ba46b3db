/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/daemon/run.h"
#include "run_crls.h"
#include "run_passed.h"
#include "run_rotation.h"
#include "run_service.h"

#include "mtlsd/base/log.h"
#include "mtlsd/control/expiry.h"
#include "mtlsd/control/reload.h"
#include "mtlsd/control/rotation.h"
#include "mtlsd/daemon/command_fail.h"
#include "mtlsd/daemon/run_user.h"
#include "mtlsd/io/admin_listener.h"
#include "mtlsd/io/canary.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/fetch_round.h"
#include "mtlsd/io/file.h"
#include "mtlsd/io/file_watch.h"
#include "mtlsd/io/log_file.h"
#include "mtlsd/io/log_others.h"
#include "mtlsd/io/registry_pool.h"
#include "mtlsd/io/server.h"
#include "mtlsd/io/ticker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    EXPIRY_LOOK_MS = 60 * 1000,  /* how late it may be noticed that a certificate has ended */
};

struct reload {
    struct reload_queue queue; /* of admin_pending */
    char *started_socket;      /* admin.socket and workers as they were at the start */
    unsigned started_workers;
    bool wants_config; /* by those who wait: the configuration's text is to be read again, not only the files that it names */
    bool reads_config; /* the current load does */
    struct snapshot *old;    /* counted: what it is to take the place of */
    struct snapshot *loaded; /* by the background thread */
    struct file_prints *prints; /* of the files before they were read; NULL: none are watched */
    uint64_t took_us;        /* CPU time */
    struct rotation rotation; /* borrows from old and loaded */
    struct rotation_counts *rotations;
    struct findings findings;
    struct admin_reloads count;
    int64_t last;     /* when the last one ended; 0: none yet */
    char *last_error; /* NULL: it went well */
};

struct run {
    const struct run_options *options;
    struct server *server;
    struct admin_listener *admin;
    struct admin_pages *pages; /* what routes serve */
    struct reload reload;
    struct run_crls crls;
    struct run_rotation rotation;
    struct run_service service;
    struct privilege *user;   /* to become; NULL: none */
    char *started_user, *started_group;
    struct inherited *passed; /* by the service manager; NULL: no sockets */
    struct registry_pool *registries; /* NULL: none was ever configured */
    uint64_t generation;
    int64_t started;
    struct ticker *expiry;
    int64_t expiry_looked; /* when dates were last looked at */
    struct admin_view view; /* what was last shown, and what it borrows */
    struct counters counters;
    struct refusal refusals[REFUSALS_KEPT];
};

/* ---- telling ---- */

static void translate(const struct run_options *options, struct findings *findings)
{
    if (options->translate != NULL)
        options->translate(findings);
}

static void log_findings(const char *event, const struct findings *findings)
{
    static const enum log_level levels[] = {
        [FINDING_NOTE] = LOG_LEVEL_DEBUG, [FINDING_WARNING] = LOG_LEVEL_WARN,
        [FINDING_FAULT] = LOG_LEVEL_ERROR, [FINDING_ERROR] = LOG_LEVEL_ERROR};
    for (size_t i = 0; i < findings->n; i++) {
        struct log_line l;
        log_begin(&l, levels[findings->items[i].level], event, findings->items[i].text);
        log_str(&l, "where", findings->items[i].where);
        if (findings->items[i].times > 1)
            log_uint(&l, "times", findings->items[i].times);
        log_end(&l);
    }
}

void run_print_findings(const struct findings *findings)
{
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *f = &findings->items[i];
        fprintf(stderr, "mtlsd: %s: %s%s%s\n", finding_level_word(f->level), f->where, f->where[0] != '\0' ? ": " : "", f->text);
    }
    if (findings->out_of_memory)
        fprintf(stderr, "mtlsd: error: out of memory\n");
}

/* Certificates and lists of our own that end while we run. */
static void look_at_dates(void *ctx)
{
    struct run *r = ctx;
    struct findings findings;
    int64_t now = clock_now();
    findings_init(&findings);
    expiry_review(server_snapshot(r->server), r->expiry_looked, now, &findings);
    translate(r->options, &findings);
    log_findings("expiry", &findings);
    findings_clear(&findings);
    r->expiry_looked = now;
}

static const char *route_text(const struct plan_listener *l)
{
    return l->n_routes == 1 && l->routes[0].upstream != NULL ? l->routes[0].upstream->conf->name : "its routes";
}

static void log_listening(const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->config->n_listeners; i++) {
        const struct plan_listener *l = &snapshot->listeners[i];
        for (size_t b = 0; b < l->conf->n_bind; b++)
            log_say(LOG_LEVEL_INFO, "listening", "%s on %s (%s%s) to %s", l->conf->name, l->conf->bind_text[b],
                    l->tls != NULL ? "tls, " : "", config_protocol_word(l->conf),
                    route_text(l));
    }
}

/* ---- where lines go ---- */

struct log_opened {
    int fd; /* of the main log; -1: standard error */
    struct log_others others;
};

static void describe_others(const struct config *config, struct log_others_row rows[LOG_OTHERS_MAX])
{
    for (size_t i = 0; i < config->n_logs && i < LOG_OTHERS_MAX; i++) {
        const struct config_log *l = &config->logs[i];
        rows[i] = (struct log_others_row){
            .target = l->target,
            .seconds = l->rotate.every_ms / 1000,
            .bytes = l->rotate.bytes,
            .takes = {.what = l->what, .level = (enum log_level)l->level, .format = (enum log_format)l->format},
        };
    }
}

static void close_log(struct log_opened *opened)
{
    log_others_close(&opened->others);
    if (opened->fd >= 0)
        close(opened->fd);
}

static int open_log(const struct config *config, struct log_opened *opened, struct err *err)
{
    struct log_others_row rows[LOG_OTHERS_MAX];
    enum config_log_place place = config_log_place(config);
    *opened = (struct log_opened){.fd = -1};
    describe_others(config, rows);
    if (place == CONFIG_LOG_FILE)
        opened->fd = log_file_open_period(config->log_target, config->log_rotate.every_ms / 1000, err);
    else if (place == CONFIG_LOG_STDOUT)
        opened->fd = log_file_stdout(err);
    if (place != CONFIG_LOG_STDERR && opened->fd < 0)
        return -1;
    if (log_others_open(&opened->others, rows, config->n_logs, err) == 0)
        return 0;
    close_log(opened);
    return -1;
}

/* Takes what was opened. */
static void use_log(const struct config *config, struct log_opened *opened)
{
    struct log_others_row rows[LOG_OTHERS_MAX];
    enum log_format format = (enum log_format)config->log_format;
    log_change((enum log_level)config->log_level, format);
    log_take(config->log_what);
    log_file_use(config_log_place(config) == CONFIG_LOG_FILE ? config->log_target : NULL, opened->fd, log_parts_accesses(format));
    log_file_rotate(config->log_rotate.every_ms / 1000, config->log_rotate.bytes);
    describe_others(config, rows);
    log_others_use(&opened->others, rows);
}

static void reopen_log(void)
{
    struct err err = {0};
    int main_log = log_file_reopen(&err), others = log_others_reopen(&err);
    if (main_log != 0 || others != 0)
        log_say(LOG_LEVEL_ERROR, "log", "the old file stays in use: %s", err.text);
}

/* ---- reload: load on the side, swap on the main loop ---- */

/* Takes config. */
static struct snapshot *load(const struct run *r, struct config *config, uint64_t generation, struct findings *findings)
{
    struct snapshot *snapshot = snapshot_new(config, &r->crls.files, generation, clock_now(), findings);
    if (snapshot != NULL && !tls_key_memory_is_locked(snapshot->key_memory))
        findings_add(findings, FINDING_WARNING, "",
                     "private keys may be written to swap, because the system refuses to lock their memory: raise the limit (LimitMEMLOCK= or ulimit -l)");
    return snapshot;
}

static struct config *read_config(const struct run_options *options, struct findings *findings)
{
    return options->path != NULL ? config_load(options->path, findings) : config_parse(options->text, options->place, findings);
}

/* Renewed certificates are compared with those in use, and tried on the upstreams. */
static void try_identities(struct reload *reload, struct findings *findings)
{
    if (rotation_compare(reload->old, reload->loaded, &reload->rotation) != 0)
        findings->out_of_memory = 1;
    rotation_review(&reload->rotation, reload->loaded, clock_now(), findings);
    if (!findings_failed(findings))
        canary_try(&reload->rotation, reload->loaded, findings);
}

static void load_again(void *ctx)
{
    struct run *r = ctx;
    struct reload *reload = &r->reload;
    uint64_t began_us = clock_cpu_us();
    struct config *config = reload->reads_config ? read_config(r->options, &reload->findings) : config_ref(reload->old->config);
    if (config != NULL) {
        reload->prints = run_rotation_look(config);
        reload->loaded = load(r, config, r->generation + 1, &reload->findings);
    }
    if (reload->loaded != NULL)
        try_identities(reload, &reload->findings);
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

/* The log files are opened before anything changes, and used once nothing can fail any more. */
static int adopt(struct run *r, struct snapshot *loaded, struct err *err)
{
    struct log_opened log;
    if (expiry_check_succession(loaded, server_snapshot(r->server), clock_now(), err) != 0 || open_log(loaded->config, &log, err) != 0)
        return -1;
    if (server_adopt(r->server, loaded, err) == 0) {
        reload_review(loaded->config, r->reload.started_workers, r->reload.started_socket, &r->reload.findings);
        run_passed_review(r->passed, loaded->config, &r->reload.findings);
        run_user_compare(r->started_user, r->started_group, loaded->config, &r->reload.findings);
        use_log(loaded->config, &log);
        return 0;
    }
    close_log(&log);
    return -1;
}

static void on_rows(void *ctx, bool withdrawn)
{
    struct run *r = ctx;
    server_rejudge_rows(r->server, withdrawn);
}

/* Also after a reload that failed, which may have begun to read others. */
static void follow_registries(struct run *r)
{
    const struct registry_pool_hooks hooks = {server_loop(r->server), server_background(r->server), on_rows, r};
    if (registry_pool_follow(r->registries, server_snapshot(r->server), &hooks) != 0)
        log_say(LOG_LEVEL_ERROR, "registry", "out of memory: changed rows count for new connections only");
}

static void begin_reload(struct run *r);

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
    translate(r->options, &r->reload.findings);
    log_findings("configuration", &r->reload.findings);
    if (good) {
        r->generation = loaded->generation;
        log_say(LOG_LEVEL_INFO, "reload", "the new configuration is in use, generation %llu", (unsigned long long)r->generation);
        log_listening(loaded);
        run_crls_follow(&r->crls, r->server);
        run_rotation_follow(&r->rotation, r->server, r->reload.prints);
        admin_pages_end_streams(r->pages); /* they would hold the old one */
        note_result(r, NULL);
    } else {
        log_say(LOG_LEVEL_ERROR, "reload", "refused, the old configuration stays in use: %s", first_error(&r->reload.findings));
        note_result(r, first_error(&r->reload.findings));
    }
    bool by_files = !r->reload.reads_config || r->reload.rotation.n > 0;
    rotation_counts_add(r->reload.rotations, &r->reload.rotation, good);
    rotation_clear(&r->reload.rotation);
    run_rotation_end(&r->rotation, r->server, r->reload.took_us, good ? RUN_ROTATION_USED : by_files ? RUN_ROTATION_TRY_AGAIN : RUN_ROTATION_GIVE_UP);
    file_prints_free(r->reload.prints);
    r->reload.prints = NULL;
    follow_registries(r);
    snapshot_unref(loaded);
    snapshot_unref(r->reload.old);
    r->reload.old = NULL;
    findings_clear(&r->reload.findings);
    if (reload_end(&r->reload.queue))
        begin_reload(r);
}

static void begin_reload(struct run *r)
{
    findings_init(&r->reload.findings);
    run_rotation_begin(&r->rotation);
    r->reload.reads_config = r->reload.wants_config;
    r->reload.wants_config = false;
    r->reload.took_us = 0;
    r->reload.old = snapshot_ref((struct snapshot *)(uintptr_t)server_snapshot(r->server)); /* only its count changes */
    run_service_enter(&r->service, SERVICE_RELOADING, r->reload.last_error);
    if (background_do_apart(server_background(r->server), load_again, finish_reload, r) != 0)
        finish_reload(r);
}

static enum reload_turn ask_reload(struct run *r, struct admin_pending *who, bool config)
{
    r->reload.wants_config = r->reload.wants_config || config;
    enum reload_turn turn = reload_ask(&r->reload.queue, who);
    if (turn == RELOAD_NOW)
        begin_reload(r);
    return turn;
}

static void on_changed_files(void *ctx, bool config)
{
    struct run *r = ctx;
    if (!server_is_draining(r->server))
        ask_reload(r, NULL, config);
}

/* ---- signals and the admin socket ---- */

static void start_drain(struct run *r)
{
    uint64_t within_ms = server_snapshot(r->server)->config->drain_ms;
    if (!server_is_draining(r->server))
        log_say(LOG_LEVEL_INFO, "drain", "no new connections; open requests have %llu s to finish", (unsigned long long)within_ms / 1000);
    admin_pages_end_streams(r->pages);
    server_drain(r->server, within_ms);
    run_service_enter(&r->service, SERVICE_STOPPING, r->reload.last_error);
}

static void on_signal(void *ctx, enum server_signal what)
{
    struct run *r = ctx;
    if (what == SERVER_RELOAD)
        ask_reload(r, NULL, true);
    else if (what == SERVER_REOPEN_LOG)
        reopen_log();
    else if (what == SERVER_DRAIN)
        start_drain(r);
    else {
        server_stop(r->server);
        run_service_enter(&r->service, SERVICE_STOPPING, r->reload.last_error);
    }
}

static void on_running(void *ctx)
{
    struct run *r = ctx;
    run_service_start(&r->service, r->server);
}

static void on_admin_reload(void *ctx, struct admin_pending *pending)
{
    struct run *r = ctx;
    if (ask_reload(r, pending, true) != RELOAD_REFUSED)
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
    start_drain(ctx);
}

static const struct admin_view *make_view(void *ctx)
{
    struct run *r = ctx;
    look_at_dates(r); /* who is shown that something ended finds the line about it */
    counters_clear(&r->counters);
    if (counters_init(&r->counters, COUNTERS_ROWS) == 0)
        server_sum_counters(r->server, &r->counters);
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
        .refusals = r->refusals,
        .n_refusals = refusals_copy(server_refusals(r->server), r->refusals, REFUSALS_KEPT),
        .fetches = r->crls.round != NULL ? fetch_round_plan(r->crls.round) : NULL,
        .reloads = r->reload.count,
        .rotations = r->reload.rotations,
        .last_reload = r->reload.last,
        .last_reload_error = r->reload.last_error,
    };
    server_room(r->server, &r->view.room);
    return &r->view;
}

static void on_served(void *ctx, int fd, enum config_serve what)
{
    struct run *r = ctx;
    admin_pages_take(r->pages, fd, what);
}

static int start_admin(struct run *r, struct err *err)
{
    struct admin_hooks hooks = {r, make_view, on_admin_reload, on_admin_drain};
    if ((r->pages = admin_pages_start(server_loop(r->server), &hooks)) == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    const char *path = server_snapshot(r->server)->config->admin_socket;
    if (path == NULL)
        return 0;
    if ((r->reload.started_socket = strdup(path)) == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    const char *name = run_passed_name(r->reload.started_socket);
    int fd = name != NULL ? run_passed_admin(r->passed, name, err) : -1;
    if (name == NULL)
        r->admin = admin_listener_start(server_loop(r->server), path, &hooks, err);
    else if (fd >= 0)
        r->admin = admin_listener_start_on(server_loop(r->server), fd, r->reload.started_socket, &hooks, err);
    return r->admin != NULL ? 0 : -1;
}

/* ---- start ---- */

/* A drain that had to cut something is no good end: the exit code says so to a supervisor. */
static int say_stopped(const struct server *server, int code)
{
    size_t cut = server_cut(server);
    if (cut == 0) {
        log_say(LOG_LEVEL_INFO, "stopped", "all connections are closed");
        return code;
    }
    log_say(LOG_LEVEL_WARN, "stopped", "all connections are closed, and %zu requests or connections were cut: raise drain_timeout to give them time", cut);
    return code != COMMAND_FINE ? code : COMMAND_FAILED;
}

/* Takes snapshot: once the server has another one, its keys must go with it. */
static int serve(struct run *r, struct snapshot *snapshot)
{
    struct err err = {0};
    struct server_hooks hooks = {r, on_signal, on_running, on_served, r->passed};
    server_hold_signals(true);
    r->server = server_new(snapshot, &hooks, &err);
    snapshot_unref(snapshot);
    if (r->server == NULL)
        return command_fail_err(&err);
    int code = COMMAND_FINE;
    r->reload.started_workers = server_snapshot(r->server)->config->workers;
    if (start_admin(r, &err) == 0 && run_user_become(r->user, server_snapshot(r->server)->config, &err) == 0) {
        run_crls_follow(&r->crls, r->server);
        r->rotation.hooks = (struct run_rotation_hooks){r, on_changed_files};
        run_rotation_follow(&r->rotation, r->server, r->reload.prints);
        file_prints_free(r->reload.prints);
        r->reload.prints = NULL;
        follow_registries(r);
        log_listening(server_snapshot(r->server));
        r->expiry_looked = r->started;
        r->expiry = ticker_start(server_loop(r->server), EXPIRY_LOOK_MS, look_at_dates, r);
        log_file_flush();
    }
    if (err.kind != ERR_NONE || server_run(r->server, &err) != 0)
        code = command_fail_err(&err);
    admin_listener_stop(r->admin);
    admin_pages_stop(r->pages);
    ticker_stop(r->expiry);
    run_service_stop(&r->service);
    run_crls_stop(&r->crls);
    run_rotation_stop(&r->rotation);
    bool held = !registry_pool_stop(r->registries) || r->reload.queue.running || run_crls_is_busy(&r->crls) || server_is_held(r->server);
    code = say_stopped(r->server, code);
    if (!held)
        server_free(r->server);
    log_file_flush();
    if (held) /* by a thread that may need long: the time to end is promised, and the kernel tidies up */
        _exit(code);
    counters_clear(&r->counters);
    free(r->reload.last_error);
    free(r->reload.started_socket);
    return code;
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
static int run_config(struct config *config, const struct run_options *options)
{
    struct err err = {0};
    struct log_opened log;
    log_setup((enum log_level)config->log_level, (enum log_format)config->log_format, log_file_write, NULL, clock_now_precise);
    signal(SIGPIPE, SIG_IGN); /* a reader of the log that goes away early must not end us */
    signal(SIGUSR1, SIG_IGN); /* until the handler is set: a rotation during the start must not end us */
    if (open_log(config, &log, &err) != 0) {
        command_fail_err(&err);
        config_free(config);
        return COMMAND_REFUSED;
    }
    use_log(config, &log);
    struct findings findings;
    findings_init(&findings);
    int64_t now = clock_now();
    struct run r = {.options = options, .generation = 1, .started = now, .reload = {.count = {.last_good = now}}};
    r.passed = run_passed_take(&err);
    r.reload.rotations = rotation_counts_new();
    r.registries = registry_pool_new();
    if (r.reload.rotations == NULL || r.registries == NULL || run_crls_begin(&r.crls) != 0 || err.kind != ERR_NONE)
        findings.out_of_memory = 1;
    else
        r.crls.files.registries = registry_pool_source(r.registries);
    r.reload.prints = run_rotation_look(config);
    struct snapshot *snapshot = NULL;
    if (find_user(&r, config, &findings, &err) == 0) {
        snapshot = load(&r, config, r.generation, &findings);
    } else {
        findings_add(&findings, FINDING_ERROR, config->path, "%s", err.text);
        config_free(config);
    }
    if (snapshot != NULL)
        run_passed_review(r.passed, snapshot->config, &findings);
    translate(options, &findings);
    if (snapshot == NULL)
        run_print_findings(&findings);
    else
        log_findings("configuration", &findings);
    findings_clear(&findings);
    int code = snapshot != NULL ? serve(&r, snapshot) : COMMAND_REFUSED;
    run_crls_end(&r.crls);
    file_prints_free(r.reload.prints);
    rotation_counts_free(r.reload.rotations);
    inherited_free(r.passed);
    if (snapshot == NULL && r.registries != NULL)
        registry_pool_stop(r.registries);
    registry_pool_free(r.registries);
    privilege_free(r.user);
    free(r.started_user);
    free(r.started_group);
    return code;
}

int daemon_run(const struct run_options *options)
{
    server_hold_signals(false);
    struct findings findings;
    findings_init(&findings);
    struct config *config = read_config(options, &findings);
    translate(options, &findings);
    run_print_findings(&findings);
    findings_clear(&findings);
    return config != NULL ? run_config(config, options) : COMMAND_REFUSED;
}
