/* SPDX-License-Identifier: Apache-2.0 */
#include "session_writer.h"

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/log.h"
#include "mtlsd/base/text.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/database.h"
#include "mtlsd/io/log_file.h"
#include "mtlsd/policy/reason.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 64,       /* rows of one statement */
    GATHER_MS = 500,  /* rows are written twice a second, or when the queue is half full */
    TELL_S = 10,      /* losses are logged so often */
    TRIES_ALONE = 3,  /* of a row that the database does not take */
    REST_STEP_MS = 50,
    RETRY_MIN_MS = 250,
    RETRY_MAX_MS = 8000,
    PATIENCE_MS = 5000,
    STOP_WAIT_S = 2,
    STACK_BYTES = 512 * 1024,
    WORK_NICE = 10,
};

struct session_writer {
    pthread_t thread;
    char *registry, *database, host[256];
    bool verify_tls;
    struct sessions *sessions;
    int wake_fd, stop_fd; /* rows wait; calls of the database end */
    atomic_bool finish, stop; /* write what waits; give up */
    /* the thread's */
    struct database *db;
    size_t batch;   /* 1 after a failure: so it shows which row is at fault */
    unsigned alone; /* failures of the same single row */
    unsigned retry_ms;
    uint64_t told;   /* losses that were logged */
    int64_t told_at;
    char error[SESSIONS_ERROR_SIZE]; /* the last that was logged; "": none */
};

static void signal_fd(int fd)
{
    uint64_t one = 1;
    ssize_t n = write(fd, &one, sizeof(one));
    (void)n;
}

static void drain_fd(int fd)
{
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof(count));
    (void)n;
}

static void on_rows(void *ctx)
{
    const struct session_writer *w = ctx;
    signal_fd(w->wake_fd);
}

/* ---- the database ---- */

static int check_tables(struct database *db, struct err *err)
{
    int64_t version, may = 1;
    if (database_schema(db, &version, err) != 0)
        return -1;
    if (version < REGISTRY_SCHEMA_SESSIONS)
        return err_set(err, ERR_CREDENTIAL, "its tables have version %lld, without sessions: bring them to version %d with mtlsd registry init", (long long)version,
                       REGISTRY_SCHEMA);
    if (database_dialect(db) == REGISTRY_SQLITE)
        return database_script(db, "BEGIN IMMEDIATE; ROLLBACK", err);
    if (database_number(db, REGISTRY_SQL_MAY_WRITE_SESSIONS, 0, &may, err) != 0)
        return -1;
    return may != 0 ? 0 : err_set(err, ERR_CREDENTIAL, "this user may not write its sessions: GRANT SELECT, INSERT, UPDATE ON mtlsd_sessions");
}

static struct database *open_database(const struct database_how *how, struct err *err)
{
    struct database *db = database_open(how, err);
    if (db == NULL || check_tables(db, err) == 0)
        return db;
    database_close(db);
    return NULL;
}

int session_writer_check(const struct session_writer_spec *spec, struct err *err)
{
    const struct database_how how = {.database = spec->database, .verify_tls = spec->verify_tls, .patience_ms = PATIENCE_MS, .wake_fd = -1};
    struct database *db = open_database(&how, err);
    if (db == NULL)
        return -1;
    database_close(db);
    return 0;
}

/* The texts of a row's columns; those of numbers and times lie in place. */
struct columns {
    char began[21], ended[21], numbers[3][24];
};

static void fill_columns(const struct session_writer *w, const struct session_row *row, struct columns *c, const char **out)
{
    const uint64_t numbers[3] = {row->requests, row->bytes_in, row->bytes_out};
    bool over = row->ended != 0;
    text_utc(c->began, row->began);
    text_utc(c->ended, row->ended);
    for (int i = 0; i < 3; i++)
        snprintf(c->numbers[i], sizeof(c->numbers[i]), "%llu", (unsigned long long)numbers[i]);
    const char *texts[REGISTRY_SESSION_COLUMNS] = {row->id, w->registry, w->host, row->listener, row->address, row->sha256, row->subject, row->owner, c->began};
    memcpy(out, texts, sizeof(texts));
    out[9] = over ? c->ended : NULL;
    for (int i = 0; i < 3; i++)
        out[10 + i] = over ? c->numbers[i] : NULL;
    out[13] = over ? reason_word(row->reason) : NULL;
}

static int put_rows(struct session_writer *w, const struct session_row *rows, size_t n, struct err *err)
{
    struct columns columns[BATCH];
    const char *params[BATCH * REGISTRY_SESSION_COLUMNS];
    struct bytes sql;
    bytes_init(&sql, 64 * 1024);
    for (size_t i = 0; i < n; i++)
        fill_columns(w, &rows[i], &columns[i], params + i * REGISTRY_SESSION_COLUMNS);
    int rc = registry_sql_put_sessions(&sql, n);
    const struct database_query q = {.sql = (const char *)bytes_span(&sql).ptr, .params = params, .n_params = n * REGISTRY_SESSION_COLUMNS};
    rc = rc == 0 ? database_run(w->db, &q, err) : err_set(err, ERR_MEMORY, "out of memory");
    bytes_clear(&sql);
    return rc;
}

/* ---- the thread ---- */

static void tell_losses(struct session_writer *w)
{
    struct sessions_facts f;
    int64_t now = clock_now();
    sessions_facts(w->sessions, &f);
    if (f.lost == w->told || (now < w->told_at + TELL_S && !atomic_load(&w->finish)))
        return;
    log_say(LOG_LEVEL_ERROR, "registry", "%s: %llu connections were not written into mtlsd_sessions: %s", w->registry, (unsigned long long)(f.lost - w->told),
            f.error[0] != '\0' ? f.error : "the database is too slow");
    w->told = f.lost;
    w->told_at = now;
}

static void rest(const struct session_writer *w)
{
    for (unsigned slept = 0; slept < w->retry_ms && !atomic_load(&w->finish); slept += REST_STEP_MS) {
        struct timespec some = {0, (long)REST_STEP_MS * 1000 * 1000};
        nanosleep(&some, NULL);
    }
}

static void succeeded(struct session_writer *w, const struct session_row *rows, size_t n)
{
    sessions_written(w->sessions, rows, n);
    if (w->error[0] != '\0')
        log_say(LOG_LEVEL_INFO, "registry", "%s: connections are written into mtlsd_sessions again", w->registry);
    w->error[0] = '\0';
    sessions_say_error(w->sessions, NULL);
    w->batch = BATCH;
    w->alone = w->retry_ms = 0;
}

static void failed(struct session_writer *w, const struct session_row *rows, size_t n, bool opened, const struct err *err)
{
    w->alone = opened && n == 1 ? w->alone + 1 : 0;
    if (w->alone >= TRIES_ALONE)
        sessions_lost(w->sessions, rows, n);
    else
        sessions_failed(w->sessions, rows, n);
    w->alone %= TRIES_ALONE;
    if (opened)
        w->batch = 1;
    database_close(w->db);
    w->db = NULL;
    if (atomic_load(&w->stop))
        return;
    sessions_say_error(w->sessions, err->text);
    if (strncmp(w->error, err->text, sizeof(w->error) - 1) != 0)
        log_say(LOG_LEVEL_ERROR, "registry", "%s: connections cannot be written into mtlsd_sessions: %s", w->registry, err->text);
    snprintf(w->error, sizeof(w->error), "%.*s", (int)sizeof(w->error) - 1, err->text);
    w->retry_ms = w->retry_ms == 0 ? RETRY_MIN_MS : w->retry_ms * 2 < RETRY_MAX_MS ? w->retry_ms * 2 : RETRY_MAX_MS;
    rest(w);
}

static bool open_now(struct session_writer *w, struct err *err)
{
    const struct database_how how = {
        .database = w->database, .verify_tls = w->verify_tls, .patience_ms = PATIENCE_MS, .stop = &w->stop, .wake_fd = w->stop_fd};
    if (w->db == NULL)
        w->db = open_database(&how, err);
    return w->db != NULL;
}

/* false: nothing waited. */
static bool write_some(struct session_writer *w, bool *ok)
{
    struct session_row rows[BATCH];
    struct err err = {0};
    size_t n = sessions_take(w->sessions, rows, w->batch);
    if (n == 0)
        return false;
    bool opened = open_now(w, &err);
    *ok = opened && put_rows(w, rows, n, &err) == 0;
    if (*ok)
        succeeded(w, rows, n);
    else
        failed(w, rows, n, opened, &err);
    return true;
}

static void wait_for_rows(const struct session_writer *w)
{
    struct pollfd fd = {w->wake_fd, POLLIN, 0};
    if (poll(&fd, 1, TELL_S * 1000) <= 0)
        return;
    drain_fd(w->wake_fd);
    if (!atomic_load(&w->finish))
        poll(&fd, 1, GATHER_MS);
}

static void *run(void *arg)
{
    struct session_writer *w = arg;
    bool ok = true;
    setpriority(PRIO_PROCESS, (id_t)gettid(), WORK_NICE); /* of this thread: those who serve go first */
    while (!atomic_load(&w->stop)) {
        bool last = atomic_load(&w->finish), some = write_some(w, &ok);
        tell_losses(w);
        log_file_flush();
        if (last && (!some || !ok))
            break;
        if (!some)
            wait_for_rows(w);
    }
    sessions_close(w->sessions);
    tell_losses(w);
    log_file_flush();
    database_close(w->db);
    return NULL;
}

/* ---- its owner ---- */

static void free_writer(struct session_writer *w)
{
    if (w->wake_fd >= 0)
        close(w->wake_fd);
    if (w->stop_fd >= 0)
        close(w->stop_fd);
    sessions_unref(w->sessions);
    free(w->registry);
    free(w->database);
    free(w);
}

static struct session_writer *new_writer(const struct session_writer_spec *spec, struct err *err)
{
    struct session_writer *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        (void)err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    w->sessions = sessions_ref(spec->sessions);
    w->verify_tls = spec->verify_tls;
    w->batch = BATCH;
    w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (gethostname(w->host, sizeof(w->host) - 1) != 0)
        w->host[0] = '\0';
    if ((w->registry = strdup(spec->registry)) != NULL && (w->database = strdup(spec->database)) != NULL && w->wake_fd >= 0 && w->stop_fd >= 0)
        return w;
    (void)err_set(err, ERR_MEMORY, "registry %s: no memory or no descriptor is left", spec->registry);
    free_writer(w);
    return NULL;
}

struct session_writer *session_writer_start(const struct session_writer_spec *spec, struct err *err)
{
    struct session_writer *w = new_writer(spec, err);
    if (w == NULL)
        return NULL;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sessions_on_rows(w->sessions, on_rows, w);
    int rc = pthread_create(&w->thread, &attr, run, w);
    pthread_attr_destroy(&attr);
    if (rc == 0)
        return w;
    sessions_close(w->sessions);
    (void)err_set(err, ERR_IO, "registry %s: cannot start a thread: %s; raise the limits of processes (ulimit -u, TasksMax=) and memory", spec->registry, strerror(rc));
    free_writer(w);
    return NULL;
}

static bool join(const struct session_writer *w)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += STOP_WAIT_S;
    return pthread_timedjoin_np(w->thread, NULL, &end) == 0;
}

bool session_writer_stop(struct session_writer *w)
{
    if (w == NULL)
        return true;
    atomic_store(&w->finish, true);
    signal_fd(w->wake_fd);
    bool ended = join(w);
    if (!ended) {
        atomic_store(&w->stop, true);
        signal_fd(w->stop_fd);
        ended = join(w);
    }
    if (ended)
        free_writer(w);
    return ended;
}
