/* SPDX-License-Identifier: Apache-2.0 */
#include "database_internal.h"

#ifdef MTLSD_WITH_POSTGRES
#include <libpq-fe.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUERY_MS = 60 * 1000 }; /* without a byte of an answer; a query may take long, a connection that died must not */

#define SYMBOLS(X)                                                                                                                                     \
    X(PQconnectStartParams) X(PQconnectPoll) X(PQstatus) X(PQsocket) X(PQfinish) X(PQerrorMessage) X(PQsendQuery) X(PQsendQueryParams)                 \
    X(PQsetSingleRowMode) X(PQisBusy) X(PQconsumeInput) X(PQgetResult) X(PQresultStatus) X(PQresultErrorMessage) X(PQclear) X(PQntuples)               \
    X(PQnfields) X(PQgetvalue) X(PQgetlength) X(PQgetisnull) X(PQcmdTuples) X(PQnotifies) X(PQfreemem) X(PQsetnonblocking) X(PQflush)                  \
    X(PQsetNoticeProcessor)

static struct functions {
    SYMBOLS(DATABASE_MEMBER)
} lib;

static const struct database_symbol symbols[] = {SYMBOLS(DATABASE_SYMBOL)};
static struct database_library library = {.file = "libpq.so.5", .package = "libpq5", .symbols = symbols, .n = sizeof(symbols) / sizeof(symbols[0]), .table = &lib};

struct postgres {
    PGconn *conn;
    struct database_how how;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Messages of the library have several lines. */
static int fail(struct err *err, const char *text)
{
    char line[400];
    size_t n = 0;
    for (const char *p = text; *p != '\0' && n + 1 < sizeof(line); p++)
        if (*p == '\n' || *p == '\t')
            n += n > 0 && line[n - 1] != ' ' ? (size_t)(line[n] = ' ', 1) : 0;
        else
            line[n++] = *p;
    while (n > 0 && line[n - 1] == ' ')
        n--;
    line[n] = '\0';
    return err_set(err, ERR_IO, "PostgreSQL: %s", n > 0 ? line : "the connection was lost");
}

static void on_notice(void *ctx, const char *text)
{
    (void)ctx;
    (void)text;
}

static void postgres_close(void *own)
{
    struct postgres *p = own;
    if (p->conn != NULL)
        lib.PQfinish(p->conn);
    free(p);
}

static PGconn *start(const struct database_how *how)
{
    /* what stands before dbname may be given in the URI too, which then counts; sslmode is only set where the URI has none */
    const char *keys[] = {"fallback_application_name", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
                          "dbname", how->verify_tls ? "sslmode" : NULL, NULL};
    const char *values[] = {"mtlsd", "10", "5", "3", "20000", how->database, "verify-full", NULL};
    return lib.PQconnectStartParams(keys, values, 1);
}

/* The steps of a connection, as the library asks for them. */
static int connect_all(struct postgres *p, struct err *err)
{
    int64_t end = now_ms() + p->how.patience_ms;
    for (PostgresPollingStatusType state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK; state = lib.PQconnectPoll(p->conn)) {
        int64_t left = end - now_ms();
        if (lib.PQstatus(p->conn) == CONNECTION_BAD || state == PGRES_POLLING_FAILED)
            return fail(err, lib.PQerrorMessage(p->conn));
        if (left <= 0 || database_stopped(&p->how))
            return err_set(err, ERR_IO, "PostgreSQL: no connection within %u s", p->how.patience_ms / 1000);
        database_poll(lib.PQsocket(p->conn), state == PGRES_POLLING_READING ? POLLIN : POLLOUT, p->how.wake_fd, (int)left);
    }
    return 0;
}

static void *postgres_open(const struct database_how *how, struct err *err)
{
    if (database_load(&library, err) != 0)
        return NULL;
    struct postgres *p = calloc(1, sizeof(*p));
    if (p == NULL || (p->conn = start(how)) == NULL) {
        free(p);
        (void)err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    p->how = *how;
    lib.PQsetNoticeProcessor(p->conn, on_notice, NULL);
    if (connect_all(p, err) == 0 && lib.PQsetnonblocking(p->conn, 1) == 0)
        return p;
    postgres_close(p);
    return NULL;
}

/* Until a result is there. */
static int wait_for_result(struct postgres *p, struct err *err)
{
    int64_t end = now_ms() + QUERY_MS;
    int unsent;
    while ((unsent = lib.PQflush(p->conn)) > 0 || lib.PQisBusy(p->conn)) {
        int64_t left = end - now_ms();
        if (database_stopped(&p->how) || left <= 0)
            return err_set(err, ERR_IO, "PostgreSQL: no answer within %d s", QUERY_MS / 1000);
        if (database_poll(lib.PQsocket(p->conn), unsent > 0 ? POLLIN | POLLOUT : POLLIN, p->how.wake_fd, (int)left) == 0)
            continue;
        if (!lib.PQconsumeInput(p->conn))
            return fail(err, lib.PQerrorMessage(p->conn));
    }
    return unsent == 0 ? 0 : fail(err, lib.PQerrorMessage(p->conn));
}

static int give_rows(PGresult *result, const struct database_query *q, struct err *err)
{
    struct span values[DATABASE_COLUMNS_MAX];
    int rows = lib.PQntuples(result), n = lib.PQnfields(result);
    n = n < DATABASE_COLUMNS_MAX ? n : DATABASE_COLUMNS_MAX;
    for (int row = 0; q != NULL && q->on_row != NULL && row < rows; row++) {
        for (int i = 0; i < n; i++)
            values[i] = lib.PQgetisnull(result, row, i) ? span_of(NULL, 0) : span_of(lib.PQgetvalue(result, row, i), (size_t)lib.PQgetlength(result, row, i));
        if (q->on_row(q->ctx, values, (size_t)n) != 0)
            return err_set(err, ERR_IO, "PostgreSQL: a value is not what it should be");
    }
    if (q != NULL && q->changed != NULL && lib.PQresultStatus(result) == PGRES_COMMAND_OK)
        *q->changed = (size_t)strtoul(lib.PQcmdTuples(result), NULL, 10);
    return 0;
}

static int take_result(PGresult *result, const struct database_query *q, struct err *err)
{
    switch (lib.PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
        return give_rows(result, q, err);
    default:
        return fail(err, lib.PQresultErrorMessage(result));
    }
}

static int take_results(struct postgres *p, const struct database_query *q, struct err *err)
{
    for (;;) {
        if (wait_for_result(p, err) != 0)
            return -1;
        PGresult *result = lib.PQgetResult(p->conn);
        if (result == NULL)
            return err != NULL && err->kind != ERR_NONE ? -1 : 0;
        int rc = take_result(result, q, err);
        lib.PQclear(result);
        if (rc != 0 && lib.PQstatus(p->conn) == CONNECTION_BAD)
            return -1;
    }
}

static int postgres_run(void *own, const struct database_query *q, struct err *err)
{
    struct postgres *p = own;
    if (!lib.PQsendQueryParams(p->conn, q->sql, (int)q->n_params, NULL, q->params, NULL, NULL, 0))
        return fail(err, lib.PQerrorMessage(p->conn));
    if (q->on_row != NULL)
        lib.PQsetSingleRowMode(p->conn);
    return take_results(p, q, err);
}

static int postgres_script(void *own, const char *sql, struct err *err)
{
    struct postgres *p = own;
    if (!lib.PQsendQuery(p->conn, sql))
        return fail(err, lib.PQerrorMessage(p->conn));
    return take_results(p, NULL, err);
}

static int postgres_mark(void *own, int64_t *mark, struct err *err)
{
    (void)own;
    (void)err;
    *mark = 0;
    return 0;
}

static int take_notices(struct postgres *p)
{
    int seen = 0;
    for (PGnotify *notice; (notice = lib.PQnotifies(p->conn)) != NULL; seen = 1)
        lib.PQfreemem(notice);
    return seen;
}

static int postgres_wait(void *own, unsigned timeout_ms, struct err *err)
{
    struct postgres *p = own;
    if (take_notices(p)) /* one came with the answer to a query */
        return 1;
    if (database_poll(lib.PQsocket(p->conn), POLLIN, p->how.wake_fd, (int)timeout_ms) == 0)
        return 0;
    if (!lib.PQconsumeInput(p->conn))
        return fail(err, lib.PQerrorMessage(p->conn));
    return take_notices(p);
}

const struct database_kind database_postgres = {REGISTRY_POSTGRES, postgres_open, postgres_close, postgres_run, postgres_script, postgres_mark, postgres_wait};

#else

static void *postgres_open(const struct database_how *how, struct err *err)
{
    (void)how;
    (void)err_set(err, ERR_IO, "this mtlsd was built without PostgreSQL: build it again with libpq-dev installed");
    return NULL;
}

const struct database_kind database_postgres = {.dialect = REGISTRY_POSTGRES, .open = postgres_open};

#endif
