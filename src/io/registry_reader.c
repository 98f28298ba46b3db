/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/registry_reader.h"

#include "mtlsd/base/log.h"
#include "mtlsd/config/config.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/file.h"
#include "mtlsd/io/log_file.h"
#include "registry_read.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_MS = 500,           /* at SQLite's mark; a change counts within a second */
    ASK_MS = 1000,           /* PostgreSQL: whether it is there, and whether a notice was lost */
    REST_MIN_MS = 50,        /* after a read that found changes: a thousand changes a second are some reads */
    REST_MAX_MS = 500,
    REST_FACTOR = 4,
    RETRY_MIN_MS = 250,
    RETRY_MAX_MS = 8000,
    PATIENCE_MS = 5000,
    STOP_WAIT_S = 2,
    STACK_BYTES = 1024 * 1024,
    WORK_NICE = 10,
};

struct registry_reader {
    pthread_t thread;
    char *database;
    bool verify_tls;
    int wake_fd;
    atomic_bool stop;
    void (*on_change)(void *ctx, bool withdrawn);
    void *ctx;
    /* the thread's */
    struct registry_read read;
    struct database *db;
    int64_t mark;
    struct stat file; /* of SQLite, as it was opened */
    unsigned retry_ms;
    char error[TLS_REGISTRY_ERROR_SIZE]; /* the last that was logged; "": none */
    /* for registry_reader_wait */
    pthread_mutex_t lock;
    pthread_cond_t tried;
    bool has_tried;
};

/* ---- the file of SQLite ---- */

static const char *file_of(const char *database)
{
    static const char scheme[] = "sqlite:";
    return strncmp(database, scheme, strlen(scheme)) == 0 ? database + strlen(scheme) : NULL;
}

int registry_reader_access(const char *database, enum finding_level *level, char text[REGISTRY_READER_ACCESS])
{
    struct file_place place;
    struct file_names names;
    const char *path = file_of(database);
    text[0] = '\0';
    if (path == NULL)
        return 0;
    if (file_look(path, &place) != 0)
        return -1;
    if (file_access_judge(&place.file, FILE_USE_DATABASE, level)) {
        file_look_names(&place.file, &names);
        file_access_text(&place.file, FILE_USE_DATABASE, path, &names, text, REGISTRY_READER_ACCESS);
    }
    return 0;
}

static int check_file(const char *database, struct stat *st, struct err *err)
{
    enum finding_level level = FINDING_NOTE;
    char text[REGISTRY_READER_ACCESS];
    const char *path = file_of(database);
    if (path == NULL)
        return 0;
    if (stat(path, st) != 0)
        return err_set(err, ERR_IO, "%s: %s%s", path, strerror(errno), errno == ENOENT ? ": create it with mtlsd registry init" : "");
    if (!S_ISREG(st->st_mode))
        return err_set(err, ERR_IO, "%s is no file", path);
    if (registry_reader_access(database, &level, text) == 0 && text[0] != '\0' && level == FINDING_ERROR)
        return err_set(err, ERR_CREDENTIAL, "%s", text);
    return 0;
}

/* Another file is there now: renamed over, or reached by another link. */
static bool is_other_file(const struct registry_reader *r)
{
    struct stat st;
    const char *path = file_of(r->database);
    return path != NULL && (stat(path, &st) != 0 || st.st_dev != r->file.st_dev || st.st_ino != r->file.st_ino);
}

/* ---- the thread ---- */

static void drain_wake(const struct registry_reader *r)
{
    uint64_t count;
    ssize_t n = read(r->wake_fd, &count, sizeof(count));
    (void)n;
}

static void note_tried(struct registry_reader *r)
{
    pthread_mutex_lock(&r->lock);
    r->has_tried = true;
    pthread_cond_broadcast(&r->tried);
    pthread_mutex_unlock(&r->lock);
}

/* Only stop ends it early. */
static void rest(const struct registry_reader *r, uint64_t ms)
{
    for (uint64_t slept = 0; slept < ms && !atomic_load(&r->stop); slept += REST_MIN_MS) {
        struct timespec some = {0, (long)REST_MIN_MS * 1000 * 1000};
        nanosleep(&some, NULL);
    }
}

static void fail(struct registry_reader *r, const struct err *err)
{
    const char *name = tls_registry_name(r->read.registry);
    if (atomic_load(&r->stop))
        return;
    tls_registry_failed(r->read.registry, err->text);
    if (strncmp(r->error, err->text, sizeof(r->error) - 1) != 0)
        log_say(LOG_LEVEL_ERROR, "registry", "%s cannot be read, %s: %s", name,
                r->read.current != NULL ? "the last rows count until max_staleness" : "no certificate is accepted until it can", err->text);
    snprintf(r->error, sizeof(r->error), "%.*s", (int)sizeof(r->error) - 1, err->text);
    r->retry_ms = r->retry_ms == 0 ? RETRY_MIN_MS : r->retry_ms * 2 < RETRY_MAX_MS ? r->retry_ms * 2 : RETRY_MAX_MS;
}

static void say_read(struct registry_reader *r, bool first)
{
    struct tls_registry_facts facts;
    tls_registry_facts(r->read.registry, &facts);
    if (first || r->error[0] != '\0')
        log_say(LOG_LEVEL_INFO, "registry", "%s %s: %zu rows", tls_registry_name(r->read.registry), first ? "was read" : "can be read again",
                facts.totals.rows);
    else if (r->read.changed)
        log_say(LOG_LEVEL_DEBUG, "registry", "%s changed: %zu rows", tls_registry_name(r->read.registry), facts.totals.rows);
    r->error[0] = '\0';
    r->retry_ms = 0;
}

/* Reads what there is. Gives how long to rest before the next look. */
static uint64_t read_now(struct registry_reader *r, bool whole, struct err *err)
{
    bool first = r->read.current == NULL;
    uint64_t began_us = clock_cpu_us();
    int rc = registry_read(&r->read, r->db, whole, err);
    if (r->read.changed && r->on_change != NULL)
        r->on_change(r->ctx, r->read.withdrawn);
    if (rc != 0)
        return 0;
    say_read(r, first);
    if (!r->read.changed)
        return 0;
    uint64_t ms = (clock_cpu_us() - began_us) * REST_FACTOR / 1000;
    return ms < REST_MIN_MS ? REST_MIN_MS : ms > REST_MAX_MS ? REST_MAX_MS : ms;
}

static int open_now(struct registry_reader *r, struct err *err)
{
    const struct database_how how = {
        .database = r->database, .read_only = true, .verify_tls = r->verify_tls, .patience_ms = PATIENCE_MS, .stop = &r->stop, .wake_fd = r->wake_fd};
    if (check_file(r->database, &r->file, err) != 0)
        return -1;
    r->db = registry_read_open(&how, err);
    return r->db != NULL && database_mark(r->db, &r->mark, err) == 0 ? 0 : -1;
}

/* Waits until there may be something to read: 1; 0: the rows are still the same; -1: the connection is of no use. */
static int wait_for_change(struct registry_reader *r, struct err *err)
{
    bool sqlite = database_dialect(r->db) == REGISTRY_SQLITE;
    int64_t before = r->mark, now = clock_now();
    if (database_wait(r->db, sqlite ? LOOK_MS : ASK_MS, err) < 0)
        return -1;
    drain_wake(r);
    if (!sqlite || atomic_load(&r->stop))
        return 1;
    if (is_other_file(r))
        return -1; /* opened again, without an error */
    if (database_mark(r->db, &r->mark, err) != 0)
        return -1;
    if (r->mark == before)
        tls_registry_confirm(r->read.registry, now);
    return r->mark != before;
}

/* One connection until it breaks. */
static void serve(struct registry_reader *r, struct err *err)
{
    if (open_now(r, err) != 0)
        return;
    for (bool whole = true; !atomic_load(&r->stop); whole = false) {
        uint64_t rest_ms = read_now(r, whole, err);
        log_file_flush();
        note_tried(r);
        if (err->kind != ERR_NONE)
            return;
        rest(r, rest_ms);
        int changed;
        do
            changed = wait_for_change(r, err);
        while (changed == 0);
        if (changed < 0)
            return;
    }
}

static void *run(void *arg)
{
    struct registry_reader *r = arg;
    setpriority(PRIO_PROCESS, (id_t)gettid(), WORK_NICE); /* of this thread: a million rows must not take a core from those who serve */
    while (!atomic_load(&r->stop)) {
        struct err err = {0};
        serve(r, &err);
        if (err.kind != ERR_NONE)
            fail(r, &err);
        database_close(r->db);
        r->db = NULL;
        note_tried(r);
        log_file_flush();
        rest(r, r->retry_ms);
    }
    return NULL;
}

/* ---- its owner ---- */

static void free_reader(struct registry_reader *r)
{
    if (r->wake_fd >= 0)
        close(r->wake_fd);
    tls_registry_unref(r->read.registry);
    pthread_cond_destroy(&r->tried);
    pthread_mutex_destroy(&r->lock);
    free(r->database);
    free(r);
}

static struct registry_reader *new_reader(const struct registry_reader_spec *spec, struct err *err)
{
    struct registry_reader *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        (void)err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->tried, &attr);
    pthread_condattr_destroy(&attr);
    r->read.registry = tls_registry_ref(spec->registry);
    r->on_change = spec->on_change;
    r->ctx = spec->ctx;
    r->verify_tls = spec->verify_tls;
    r->database = strdup(spec->database);
    r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (r->database != NULL && r->wake_fd >= 0)
        return r;
    (void)err_set(err, r->database == NULL ? ERR_MEMORY : ERR_IO, "registry %s: no memory or no descriptor is left", tls_registry_name(spec->registry));
    free_reader(r);
    return NULL;
}

struct registry_reader *registry_reader_start(const struct registry_reader_spec *spec, struct err *err)
{
    struct registry_reader *r = new_reader(spec, err);
    if (r == NULL)
        return NULL;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    int rc = pthread_create(&r->thread, &attr, run, r);
    pthread_attr_destroy(&attr);
    if (rc == 0)
        return r;
    (void)err_set(err, ERR_IO, "registry %s: cannot start a thread: %s; raise the limits of processes (ulimit -u, TasksMax=) and memory",
                  tls_registry_name(spec->registry), strerror(rc));
    free_reader(r);
    return NULL;
}

void registry_reader_wait(struct registry_reader *r, unsigned timeout_ms)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += timeout_ms / 1000;
    end.tv_nsec += (long)(timeout_ms % 1000) * 1000 * 1000;
    end.tv_sec += end.tv_nsec / (1000 * 1000 * 1000);
    end.tv_nsec %= 1000 * 1000 * 1000;
    pthread_mutex_lock(&r->lock);
    while (!r->has_tried && pthread_cond_timedwait(&r->tried, &r->lock, &end) == 0)
        ;
    pthread_mutex_unlock(&r->lock);
}

void registry_reader_look(struct registry_reader *r)
{
    uint64_t one = 1;
    ssize_t n = write(r->wake_fd, &one, sizeof(one));
    (void)n;
}

bool registry_reader_stop(struct registry_reader *r)
{
    struct timespec end;
    if (r == NULL)
        return true;
    atomic_store(&r->stop, true);
    registry_reader_look(r);
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += STOP_WAIT_S;
    if (pthread_timedjoin_np(r->thread, NULL, &end) != 0)
        return false;
    free_reader(r);
    return true;
}

int registry_reader_once(const struct registry_reader_spec *spec, struct err *err)
{
    struct registry_reader *r = new_reader(spec, err);
    if (r == NULL)
        return -1;
    int rc = open_now(r, err) == 0 ? registry_read(&r->read, r->db, true, err) : -1;
    database_close(r->db);
    free_reader(r);
    return rc;
}
