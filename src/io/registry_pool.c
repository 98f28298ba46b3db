/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/registry_pool.h"
#include "session_writer.h"

#include "mtlsd/io/file_watch.h"
#include "mtlsd/io/registry_reader.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <uv.h>

enum { START_WAIT_MS = 10 * 1000, WATCH_REST_MS = 100 };

struct entry {
    struct entry *next;
    char *name, *database;
    bool verify_tls;
    struct tls_registry *rows;
    struct registry_reader *reader;
    struct file_watch *watch;      /* SQLite, once the pool is attached */
    struct sessions *sessions;     /* NULL: connections are not written */
    struct session_writer *writer; /* of sessions */
};

struct registry_pool {
    struct registry_source source;
    uv_mutex_t lock; /* guards first: get runs beside the loop */
    struct entry *first;
    struct registry_pool_hooks hooks;
    uv_async_t wake;
    atomic_bool attached, changed, withdrawn;
};

/* ---- told by readers ---- */

static void on_rows(void *ctx, bool withdrawn)
{
    struct registry_pool *p = ctx;
    if (withdrawn)
        atomic_store(&p->withdrawn, true);
    atomic_store(&p->changed, true);
    if (atomic_load(&p->attached))
        uv_async_send(&p->wake);
}

static void on_wake(uv_async_t *wake)
{
    struct registry_pool *p = wake->data;
    bool withdrawn = atomic_exchange(&p->withdrawn, false);
    if (atomic_exchange(&p->changed, false) || withdrawn)
        p->hooks.on_change(p->hooks.ctx, withdrawn);
}

/* ---- the source of snapshots ---- */

static struct entry *find(const struct registry_pool *p, const struct config_registry *conf)
{
    for (struct entry *e = p->first; e != NULL; e = e->next)
        if (strcmp(e->name, conf->name) == 0 && strcmp(e->database, conf->database) == 0 && e->verify_tls == config_registry_wants_tls(conf))
            return e;
    return NULL;
}

/* May take seconds. */
static bool end_entry(struct entry *e)
{
    bool written = session_writer_stop(e->writer);
    sessions_unref(e->sessions);
    if (!registry_reader_stop(e->reader) || !written)
        return false; /* its thread still uses the rows; its memory stays */
    tls_registry_unref(e->rows);
    free(e->name);
    free(e->database);
    free(e);
    return true;
}

static bool free_entry(struct entry *e)
{
    file_watch_stop(e->watch);
    return end_entry(e);
}

static struct entry *new_entry(struct registry_pool *p, const struct config_registry *conf, struct err *err)
{
    struct entry *e = calloc(1, sizeof(*e));
    if (e == NULL || (e->name = strdup(conf->name)) == NULL || (e->database = strdup(conf->database)) == NULL || (e->rows = tls_registry_new(conf->name)) == NULL) {
        (void)err_set(err, ERR_MEMORY, "out of memory");
    } else {
        e->verify_tls = config_registry_wants_tls(conf);
        const struct registry_reader_spec spec = {e->database, e->verify_tls, e->rows, on_rows, p};
        if ((e->reader = registry_reader_start(&spec, err)) != NULL)
            return e;
    }
    if (e != NULL)
        free_entry(e);
    return NULL;
}

static void report_access(const struct config_registry *conf, struct findings *findings)
{
    enum finding_level level = FINDING_WARNING;
    char text[REGISTRY_READER_ACCESS];
    if (registry_reader_access(conf->database, &level, text) == 0 && text[0] != '\0')
        findings_add(findings, level == FINDING_ERROR ? FINDING_ERROR : FINDING_WARNING, conf->where, "registry \"%s\": %s", conf->name, text);
}

static void report_rows(const struct config_registry *conf, struct tls_registry *rows, struct findings *findings)
{
    struct tls_registry_facts facts;
    char place[CONFIG_REGISTRY_PLACE];
    tls_registry_facts(rows, &facts);
    config_registry_place(conf->database, place);
    if (!facts.loaded && facts.error[0] == '\0')
        findings_add(findings, FINDING_WARNING, conf->where, "registry \"%s\": %s is still being read, and no certificate is accepted before it was", conf->name, place);
    else if (!facts.loaded)
        findings_add(findings, FINDING_WARNING, conf->where, "registry \"%s\": no certificate is accepted until the database can be read: %s", conf->name, facts.error);
}

static struct tls_registry *get(void *ctx, const struct config_registry *conf, struct findings *findings)
{
    struct registry_pool *p = ctx;
    struct err err = {0};
    report_access(conf, findings);
    uv_mutex_lock(&p->lock);
    struct entry *e = find(p, conf);
    if (e == NULL && (e = new_entry(p, conf, &err)) != NULL) {
        e->next = p->first;
        p->first = e;
    }
    uv_mutex_unlock(&p->lock);
    if (e == NULL) {
        findings_add(findings, FINDING_ERROR, conf->where, "%s", err.text);
        return NULL;
    }
    registry_reader_wait(e->reader, START_WAIT_MS);
    report_rows(conf, e->rows, findings);
    return tls_registry_ref(e->rows);
}

static int start_writer(struct entry *e, struct err *err)
{
    uint64_t process;
    if (getrandom(&process, sizeof(process), 0) != sizeof(process))
        return err_set(err, ERR_IO, "registry %s: no random bytes", e->name);
    if ((e->sessions = sessions_new(process, SESSIONS_MOST)) == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    const struct session_writer_spec spec = {e->name, e->database, e->verify_tls, e->sessions};
    if ((e->writer = session_writer_start(&spec, err)) != NULL)
        return 0;
    sessions_unref(e->sessions);
    e->sessions = NULL;
    return -1;
}

static struct sessions *get_sessions(void *ctx, const struct config_registry *conf, struct findings *findings)
{
    struct registry_pool *p = ctx;
    struct err err = {0};
    uv_mutex_lock(&p->lock);
    struct entry *e = find(p, conf);
    if (e != NULL && e->writer == NULL && start_writer(e, &err) != 0)
        findings_add(findings, FINDING_ERROR, conf->where, "%s", err.text);
    struct sessions *out = e != NULL && e->sessions != NULL ? sessions_ref(e->sessions) : NULL;
    uv_mutex_unlock(&p->lock);
    return out;
}

struct registry_pool *registry_pool_new(void)
{
    struct registry_pool *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return NULL;
    p->source = (struct registry_source){p, get, get_sessions};
    uv_mutex_init(&p->lock);
    return p;
}

const struct registry_source *registry_pool_source(const struct registry_pool *p)
{
    return &p->source;
}

/* ---- with the loop ---- */

static int attach(struct registry_pool *p)
{
    if (atomic_load(&p->attached))
        return 0;
    if (uv_async_init(p->hooks.loop, &p->wake, on_wake) != 0)
        return -1;
    p->wake.data = p;
    uv_unref((uv_handle_t *)&p->wake);
    atomic_store(&p->attached, true);
    uv_async_send(&p->wake); /* for what came before */
    return 0;
}

static void on_file(void *ctx)
{
    struct entry *e = ctx;
    file_watch_rest(e->watch);
    registry_reader_look(e->reader);
    file_watch_go_on(e->watch, WATCH_REST_MS);
}

/* The file itself, and beside it the one that changes are first written to (in WAL mode). */
static void watch(const struct registry_pool *p, struct entry *e)
{
    static const char scheme[] = "sqlite:";
    char wal[4200];
    if (e->watch != NULL || strncmp(e->database, scheme, strlen(scheme)) != 0)
        return;
    const char *path = e->database + strlen(scheme), *paths[2] = {path, wal};
    snprintf(wal, sizeof(wal), "%s-wal", path);
    const struct file_watch_order order = {.paths = paths, .n = 2, .on_change = on_file, .ctx = e};
    e->watch = file_watch_start(p->hooks.loop, p->hooks.background, &order); /* without, the reader looks twice a second */
}

static const struct snapshot_registry *use_of(const struct entry *e, const struct snapshot *s)
{
    for (size_t i = 0; i < s->config->n_registries; i++)
        if (s->registries[i].rows == e->rows)
            return &s->registries[i];
    return NULL;
}

static void end_entry_later(void *ctx)
{
    (void)end_entry(ctx);
}

static void end_writer_later(void *ctx)
{
    (void)session_writer_stop(ctx);
}

/* To end a thread may take seconds, which the loop does not have. */
static void drop_entry(const struct registry_pool *p, struct entry *e)
{
    file_watch_stop(e->watch);
    if (background_throw(p->hooks.background, end_entry_later, e) != 0)
        (void)end_entry(e);
}

static void drop_writer(const struct registry_pool *p, struct entry *e)
{
    if (background_throw(p->hooks.background, end_writer_later, e->writer) != 0)
        (void)session_writer_stop(e->writer);
    sessions_unref(e->sessions);
    e->writer = NULL;
    e->sessions = NULL;
}

int registry_pool_follow(struct registry_pool *p, const struct snapshot *s, const struct registry_pool_hooks *hooks)
{
    if (p->first == NULL)
        return 0;
    p->hooks = *hooks;
    if (attach(p) != 0)
        return -1;
    uv_mutex_lock(&p->lock);
    for (struct entry **at = &p->first, *e; (e = *at) != NULL;) {
        const struct snapshot_registry *use = use_of(e, s);
        if (use == NULL) {
            *at = e->next;
            drop_entry(p, e);
            continue;
        }
        if (use->sessions == NULL && e->writer != NULL)
            drop_writer(p, e);
        watch(p, e);
        at = &e->next;
    }
    uv_mutex_unlock(&p->lock);
    return 0;
}

bool registry_pool_stop(struct registry_pool *p)
{
    bool all = true;
    for (struct entry *e; (e = p->first) != NULL;) {
        p->first = e->next;
        all = free_entry(e) && all;
    }
    if (atomic_exchange(&p->attached, false))
        uv_close((uv_handle_t *)&p->wake, NULL);
    return all;
}

void registry_pool_free(struct registry_pool *p)
{
    if (p == NULL)
        return;
    uv_mutex_destroy(&p->lock);
    free(p);
}

/* ---- for commands ---- */

static struct tls_registry *get_once(void *ctx, const struct config_registry *conf, struct findings *findings)
{
    struct err err = {0};
    (void)ctx;
    report_access(conf, findings);
    struct tls_registry *rows = tls_registry_new(conf->name);
    if (rows == NULL) {
        findings->out_of_memory = 1;
        return NULL;
    }
    const struct registry_reader_spec spec = {.database = conf->database, .verify_tls = config_registry_wants_tls(conf), .registry = rows};
    if (registry_reader_once(&spec, &err) != 0)
        tls_registry_failed(rows, err.text);
    report_rows(conf, rows, findings);
    return rows;
}

static struct sessions *check_sessions(void *ctx, const struct config_registry *conf, struct findings *findings)
{
    const struct session_writer_spec spec = {.registry = conf->name, .database = conf->database, .verify_tls = config_registry_wants_tls(conf)};
    struct err err = {0};
    (void)ctx;
    if (session_writer_check(&spec, &err) != 0)
        findings_add(findings, FINDING_WARNING, conf->where, "registry \"%s\": connections cannot be written into mtlsd_sessions: %s", conf->name, err.text);
    return NULL;
}

const struct registry_source *registry_pool_once(void)
{
    static const struct registry_source once = {NULL, get_once, check_sessions};
    return &once;
}
