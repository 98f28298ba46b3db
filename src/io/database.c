/* SPDX-License-Identifier: Apache-2.0 */
#include "database_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct database {
    const struct database_kind *kind;
    void *own;
};

struct database *database_open(const struct database_how *how, struct err *err)
{
    struct database *db = calloc(1, sizeof(*db));
    if (db == NULL) {
        (void)err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    db->kind = strncmp(how->database, "sqlite:", 7) == 0 ? &database_sqlite : &database_postgres;
    db->own = db->kind->open(how, err);
    if (db->own != NULL)
        return db;
    free(db);
    return NULL;
}

void database_close(struct database *db)
{
    if (db == NULL)
        return;
    db->kind->close(db->own);
    free(db);
}

enum registry_dialect database_dialect(const struct database *db)
{
    return db->kind->dialect;
}

int database_run(struct database *db, const struct database_query *q, struct err *err)
{
    return db->kind->run(db->own, q, err);
}

int database_script(struct database *db, const char *sql, struct err *err)
{
    return db->kind->script(db->own, sql, err);
}

struct number {
    int64_t *out;
    bool seen;
};

static int on_number(void *ctx, const struct span *values, size_t n)
{
    struct number *number = ctx;
    char text[24], *end;
    if (n == 0 || values[0].len == 0 || values[0].len >= sizeof(text))
        return values[0].len >= sizeof(text) ? -1 : 0;
    memcpy(text, values[0].ptr, values[0].len);
    text[values[0].len] = '\0';
    errno = 0;
    *number->out = strtoll(text, &end, 10);
    number->seen = *end == '\0' && errno == 0;
    return number->seen ? 0 : -1;
}

int database_number(struct database *db, const char *sql, int64_t otherwise, int64_t *out, struct err *err)
{
    struct number number = {.out = out};
    *out = otherwise;
    return database_run(db, &(struct database_query){.sql = sql, .on_row = on_number, .ctx = &number}, err);
}

int database_schema(struct database *db, int64_t *version, struct err *err)
{
    struct err why = {0};
    if (database_number(db, REGISTRY_SQL_SCHEMA, 0, version, &why) == 0)
        return registry_sql_check_schema(*version, err);
    return err_set(err, why.kind, "%s%s", why.text, strstr(why.text, "mtlsd_schema") != NULL ? ": create the tables with mtlsd registry init" : "");
}

int database_mark(struct database *db, int64_t *mark, struct err *err)
{
    return db->kind->mark(db->own, mark, err);
}

int database_wait(struct database *db, unsigned timeout_ms, struct err *err)
{
    return db->kind->wait(db->own, timeout_ms, err);
}
