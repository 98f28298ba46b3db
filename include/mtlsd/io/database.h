/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to SQLite or PostgreSQL, for one thread. The libraries are loaded when the first database is opened (dlopen), so that a process without
 * a registry has neither in memory. Calls block: they belong on a thread of their own, or in a command. After an error, close and open again.
 */
#ifndef MTLSD_IO_DATABASE_H
#define MTLSD_IO_DATABASE_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/span.h"
#include "mtlsd/control/registry_sql.h"

#include <stdatomic.h>
#include <stdint.h>

struct database;

struct database_how {
    const char *database;     /* "sqlite:FILE" or a URI of PostgreSQL */
    bool read_only, create;   /* create: a file of SQLite that is not there */
    bool verify_tls;          /* PostgreSQL: sslmode=verify-full */
    unsigned patience_ms;     /* for a lock of SQLite, and for connecting */
    const atomic_bool *stop;  /* NULL, or: calls fail soon after it becomes true, */
    int wake_fd;              /* and after this can be read; -1: none */
};

/* NULL + err, which says how to get a library that is missing. */
struct database *database_open(const struct database_how *how, struct err *err);
void database_close(struct database *db);
enum registry_dialect database_dialect(const struct database *db);

typedef int (*database_row_fn)(void *ctx, const struct span *values, size_t n); /* borrowed; ptr NULL: NULL. Not 0 ends the query as an error */
/* One statement. Parameters are texts or NULL. on_row may be NULL. */
struct database_query {
    const char *sql;
    const char *const *params;
    size_t n_params;
    database_row_fn on_row;
    void *ctx;
    size_t *changed; /* NULL, or: how many rows it changed */
};
MUST_CHECK int database_run(struct database *db, const struct database_query *q, struct err *err);
/* Several statements without parameters and rows. */
MUST_CHECK int database_script(struct database *db, const char *sql, struct err *err);
/* One whole number; NULL or no row: otherwise. */
MUST_CHECK int database_number(struct database *db, const char *sql, int64_t otherwise, int64_t *out, struct err *err);

/* The version of a registry's tables, which this program can use. -1: there are none, or of an unknown version; err says what to do. */
MUST_CHECK int database_schema(struct database *db, int64_t *version, struct err *err);
/* Of SQLite: another number says that another connection has changed the file. Of PostgreSQL: 0. */
MUST_CHECK int database_mark(struct database *db, int64_t *mark, struct err *err);
/* Waits up to timeout_ms for a notice of PostgreSQL on its channel (after LISTEN), or for wake_fd. 1: a notice came; 0: none; -1: the connection is lost. */
MUST_CHECK int database_wait(struct database *db, unsigned timeout_ms, struct err *err);

#endif
