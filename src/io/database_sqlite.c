/* SPDX-License-Identifier: Apache-2.0 */
#include "database_internal.h"

#ifdef MTLSD_WITH_SQLITE
#include <sqlite3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_BETWEEN_LOOKS = 10000, BUSY_PAUSE_MS = 20 };

#define SYMBOLS(X)                                                                                                                                     \
    X(sqlite3_open_v2) X(sqlite3_close) X(sqlite3_errmsg) X(sqlite3_exec) X(sqlite3_free) X(sqlite3_prepare_v2) X(sqlite3_bind_text)                   \
    X(sqlite3_bind_parameter_count) X(sqlite3_bind_parameter_name) X(sqlite3_step) X(sqlite3_finalize) X(sqlite3_column_count) X(sqlite3_column_text)   \
    X(sqlite3_column_bytes) X(sqlite3_column_type) X(sqlite3_progress_handler) X(sqlite3_busy_handler) X(sqlite3_changes)                              \
    X(sqlite3_db_readonly)

static struct functions {
    SYMBOLS(DATABASE_MEMBER)
} lib;

static const struct database_symbol symbols[] = {SYMBOLS(DATABASE_SYMBOL)};
static struct database_library library = {.file = "libsqlite3.so.0", .package = "libsqlite3-0", .symbols = symbols, .n = sizeof(symbols) / sizeof(symbols[0]), .table = &lib};

struct sqlite {
    sqlite3 *db;
    char *path;
    struct database_how how;
    unsigned waited_ms; /* for the lock that is waited for now */
};

static int on_progress(void *ctx)
{
    const struct sqlite *s = ctx;
    return database_stopped(&s->how) ? 1 : 0;
}

static int on_busy(void *ctx, int times)
{
    struct sqlite *s = ctx;
    s->waited_ms = times == 0 ? 0 : s->waited_ms + BUSY_PAUSE_MS;
    if (database_stopped(&s->how) || s->waited_ms >= s->how.patience_ms)
        return 0;
    database_poll(-1, 0, s->how.wake_fd, BUSY_PAUSE_MS);
    return 1;
}

static int fail(const struct sqlite *s, struct err *err)
{
    return err_set(err, ERR_IO, "%s: %s", s->path, s->db != NULL ? lib.sqlite3_errmsg(s->db) : "out of memory");
}

static void sqlite_close(void *own)
{
    struct sqlite *s = own;
    if (s->db != NULL)
        lib.sqlite3_close(s->db);
    free(s->path);
    free(s);
}

static int sqlite_script(void *own, const char *sql, struct err *err)
{
    struct sqlite *s = own;
    return lib.sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(s, err);
}

/* A small cache: rows are read once, from one end to the other. The file's own schema may run no functions that could do harm. */
static int set_up(struct sqlite *s, struct err *err)
{
    lib.sqlite3_busy_handler(s->db, on_busy, s);
    lib.sqlite3_progress_handler(s->db, STEPS_BETWEEN_LOOKS, on_progress, s);
    return sqlite_script(s, "PRAGMA cache_size = -256; PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON", err);
}

static void *sqlite_open(const struct database_how *how, struct err *err)
{
    if (database_load(&library, err) != 0)
        return NULL;
    struct sqlite *s = calloc(1, sizeof(*s));
    if (s == NULL || (s->path = strdup(how->database + strlen("sqlite:"))) == NULL) {
        free(s);
        (void)err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    s->how = *how;
    int flags = how->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | (how->create ? SQLITE_OPEN_CREATE : 0);
    if (lib.sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_FULLMUTEX, NULL) != SQLITE_OK)
        fail(s, err);
    else if (set_up(s, err) == 0)
        return s;
    sqlite_close(s);
    return NULL;
}

/* A parameter of the name "$2" is the second. */
static int bind(struct sqlite *s, sqlite3_stmt *stmt, const struct database_query *q, struct err *err)
{
    int n = lib.sqlite3_bind_parameter_count(stmt);
    for (int i = 1; i <= n; i++) {
        const char *name = lib.sqlite3_bind_parameter_name(stmt, i);
        size_t which = name != NULL ? (size_t)strtoul(name + 1, NULL, 10) : 0;
        const char *value = which >= 1 && which <= q->n_params ? q->params[which - 1] : NULL;
        if (value != NULL && lib.sqlite3_bind_text(stmt, i, value, -1, SQLITE_STATIC) != SQLITE_OK)
            return fail(s, err);
    }
    return 0;
}

static int give_row(sqlite3_stmt *stmt, const struct database_query *q)
{
    struct span values[DATABASE_COLUMNS_MAX];
    int n = lib.sqlite3_column_count(stmt);
    for (int i = 0; i < n && i < DATABASE_COLUMNS_MAX; i++) {
        bool null = lib.sqlite3_column_type(stmt, i) == SQLITE_NULL;
        const void *text = null ? NULL : lib.sqlite3_column_text(stmt, i);
        values[i] = span_of(text, text != NULL ? (size_t)lib.sqlite3_column_bytes(stmt, i) : 0);
    }
    return q->on_row(q->ctx, values, n < DATABASE_COLUMNS_MAX ? (size_t)n : DATABASE_COLUMNS_MAX);
}

static int step_all(struct sqlite *s, sqlite3_stmt *stmt, const struct database_query *q, struct err *err)
{
    int rc;
    while ((rc = lib.sqlite3_step(stmt)) == SQLITE_ROW)
        if (q->on_row != NULL && give_row(stmt, q) != 0)
            return err_set(err, ERR_IO, "%s: a value is not what it should be", s->path);
    if (q->changed != NULL)
        *q->changed = (size_t)lib.sqlite3_changes(s->db);
    return rc == SQLITE_DONE ? 0 : fail(s, err);
}

static int sqlite_run(void *own, const struct database_query *q, struct err *err)
{
    struct sqlite *s = own;
    sqlite3_stmt *stmt = NULL;
    if (lib.sqlite3_prepare_v2(s->db, q->sql, -1, &stmt, NULL) != SQLITE_OK)
        return fail(s, err);
    int rc = bind(s, stmt, q, err) == 0 ? step_all(s, stmt, q, err) : -1;
    lib.sqlite3_finalize(stmt);
    return rc;
}

static int on_mark(void *ctx, const struct span *values, size_t n)
{
    int64_t *mark = ctx;
    *mark = n > 0 && values[0].len > 0 ? strtoll((const char *)values[0].ptr, NULL, 10) : 0;
    return 0;
}

static int sqlite_mark(void *own, int64_t *mark, struct err *err)
{
    *mark = 0;
    return sqlite_run(own, &(struct database_query){.sql = "PRAGMA data_version", .on_row = on_mark, .ctx = mark}, err);
}

static int sqlite_wait(void *own, unsigned timeout_ms, struct err *err)
{
    const struct sqlite *s = own;
    (void)err;
    database_poll(-1, 0, s->how.wake_fd, (int)timeout_ms);
    return 0;
}

const struct database_kind database_sqlite = {REGISTRY_SQLITE, sqlite_open, sqlite_close, sqlite_run, sqlite_script, sqlite_mark, sqlite_wait};

#else

static void *sqlite_open(const struct database_how *how, struct err *err)
{
    (void)how;
    (void)err_set(err, ERR_IO, "this mtlsd was built without SQLite: build it again with libsqlite3-dev installed");
    return NULL;
}

const struct database_kind database_sqlite = {.dialect = REGISTRY_SQLITE, .open = sqlite_open};

#endif
