/* SPDX-License-Identifier: Apache-2.0 */
#include "registry_read.h"

#include "mtlsd/base/log.h"
#include "mtlsd/control/registry_row.h"
#include "mtlsd/io/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOLD_MAX = 5, COUNT_MAX = 100 * 1000 * 1000 };

struct database *registry_read_open(const struct database_how *how, struct err *err)
{
    int64_t version;
    struct database *db = database_open(how, err);
    if (db == NULL)
        return NULL;
    if (database_schema(db, &version, err) == 0 && (database_dialect(db) == REGISTRY_SQLITE || database_script(db, "LISTEN mtlsd_changes", err) == 0))
        return db;
    database_close(db);
    return NULL;
}

/* One read of rows. */
struct filling {
    struct registry_read *r;
    struct tls_registry_index *index;
    bool anew;       /* index began empty */
    bool everything; /* all rows were removed at once: read all */
    bool no_memory;
};

static void tell(struct registry_read *r, struct span id, const char *why)
{
    if (r->told++ < TOLD_MAX)
        log_say(LOG_LEVEL_ERROR, "registry", "%s: row %.*s cannot be used, its certificate is refused: %s", tls_registry_name(r->registry),
                (int)(id.len < 64 ? id.len : 64), id.len > 0 ? (const char *)id.ptr : "", why);
}

static bool is_same(const struct tls_registry_row *a, const struct tls_registry_row *b)
{
    return a != NULL && a->state == b->state && a->by_key == b->by_key && tls_registry_text_same(a->text, b->text);
}

/* A new row takes something back too, where absent certificates are accepted and this one is not. */
static void note_change(struct filling *f, const struct tls_registry_row *before, const struct tls_registry_row *after)
{
    f->r->changed = true;
    f->r->withdrawn = f->r->withdrawn || before != NULL || (after != NULL && after->state != TLS_REGISTRY_ACTIVE);
}

static int put(struct filling *f, struct tls_registry_row *row)
{
    const struct tls_registry_row *before = f->anew ? NULL : tls_registry_index_find(f->index, row->id);
    if (!f->anew && is_same(before, row)) {
        tls_registry_text_unref(row->text);
        return 0;
    }
    if (!f->anew)
        note_change(f, before, row);
    if (tls_registry_index_put(f->index, row) == 0)
        return 0;
    tls_registry_text_unref(row->text);
    return -1;
}

static int on_row(void *ctx, const struct span *values, size_t n)
{
    struct filling *f = ctx;
    struct tls_registry_row row;
    struct err err = {0};
    if (n < 6)
        return -1;
    const struct registry_row_columns columns = {values[0], values[1], values[2], values[3], values[4], values[5]};
    switch (registry_row_read(&columns, &row, &err)) {
    case REGISTRY_ROW_NAMELESS:
        f->r->nameless++;
        tell(f->r, values[0], err.text);
        return 0;
    case REGISTRY_ROW_INVALID:
        tell(f->r, values[0], err.text);
        break;
    case REGISTRY_ROW_NO_MEMORY:
        f->no_memory = true;
        return -1;
    case REGISTRY_ROW_FINE:
        break;
    }
    f->no_memory = put(f, &row) != 0;
    return f->no_memory ? -1 : 0;
}

static int on_changed_row(void *ctx, const struct span *values, size_t n)
{
    struct filling *f = ctx;
    uint8_t id[TLS_REGISTRY_ID_BYTES];
    if (n < 6)
        return -1;
    if (values[0].ptr == NULL)
        f->everything = true;
    if (values[0].ptr == NULL || (values[1].ptr == NULL && registry_row_id(values[0], id) != 0))
        return 0;
    if (values[1].ptr != NULL)
        return on_row(ctx, values, n);
    const struct tls_registry_row *before = tls_registry_index_find(f->index, id);
    if (before != NULL)
        note_change(f, before, NULL);
    f->no_memory = tls_registry_index_remove(f->index, id) != 0;
    return f->no_memory ? -1 : 0;
}

static int finish(struct filling *f, int64_t now, int64_t version, struct err *err)
{
    struct registry_read *r = f->r;
    if (r->told > TOLD_MAX)
        log_say(LOG_LEVEL_ERROR, "registry", "%s: %u more rows cannot be used", tls_registry_name(r->registry), r->told - TOLD_MAX);
    if (r->changed && tls_registry_replace(r->registry, f->index, now, r->withdrawn) != 0) {
        tls_registry_index_free(f->index);
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    if (r->changed)
        r->current = f->index;
    else
        tls_registry_index_free(f->index);
    if (!r->changed)
        tls_registry_confirm(r->registry, now);
    r->version = version;
    return 0;
}

/* Takes f->index. */
static int fill(struct filling *f, struct database *db, const struct database_query *q, struct err *err)
{
    if (f->index == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    struct err why = {0};
    if (database_run(db, q, &why) == 0)
        return 0;
    tls_registry_index_free(f->index);
    return f->no_memory ? err_set(err, ERR_MEMORY, "out of memory") : err_set(err, why.kind, "%s", why.text);
}

static int read_all(struct registry_read *r, struct database *db, int64_t version, struct err *err)
{
    int64_t rows, now = clock_now();
    if (database_number(db, REGISTRY_SQL_COUNT, 0, &rows, err) != 0)
        return -1;
    struct filling f = {.r = r, .index = tls_registry_index_new(rows > 0 && rows < COUNT_MAX ? (size_t)rows : 0), .anew = true};
    const struct database_query q = {.sql = REGISTRY_SQL_ROWS, .on_row = on_row, .ctx = &f};
    r->nameless = 0;
    if (fill(&f, db, &q, err) != 0)
        return -1;
    r->changed = true;
    r->withdrawn = r->current != NULL;
    return finish(&f, now, version, err);
}

static int read_changed(struct registry_read *r, struct database *db, int64_t version, struct err *err)
{
    char from[24], to[24];
    const char *params[2] = {from, to};
    int64_t now = clock_now();
    snprintf(from, sizeof(from), "%lld", (long long)r->version);
    snprintf(to, sizeof(to), "%lld", (long long)version);
    struct filling f = {.r = r, .index = tls_registry_index_copy(r->current)};
    const struct database_query q = {.sql = REGISTRY_SQL_CHANGED, .params = params, .n_params = 2, .on_row = on_changed_row, .ctx = &f};
    if (fill(&f, db, &q, err) != 0)
        return -1;
    if (!f.everything)
        return finish(&f, now, version, err);
    tls_registry_index_free(f.index);
    return read_all(r, db, version, err);
}

struct span_of_changes {
    int64_t oldest, newest;
};

static int on_versions(void *ctx, const struct span *values, size_t n)
{
    struct span_of_changes *c = ctx;
    if (n < 2)
        return -1;
    c->oldest = values[0].ptr != NULL ? strtoll((const char *)values[0].ptr, NULL, 10) : 0;
    c->newest = values[1].ptr != NULL ? strtoll((const char *)values[1].ptr, NULL, 10) : 0;
    return 0;
}

/* Changes that are gone, or a database that was set back to an earlier state: then only all rows tell. */
static bool has_gap(const struct registry_read *r, const struct span_of_changes *c)
{
    return c->newest < r->version || (c->newest > r->version && c->oldest > r->version + 1);
}

static int read_in_transaction(struct registry_read *r, struct database *db, bool whole, struct err *err)
{
    struct span_of_changes c = {0};
    const struct database_query q = {.sql = REGISTRY_SQL_CHANGES, .on_row = on_versions, .ctx = &c};
    int64_t now = clock_now();
    if (database_run(db, &q, err) != 0)
        return -1;
    if (whole || r->current == NULL || has_gap(r, &c))
        return read_all(r, db, c.newest, err);
    if (c.newest > r->version)
        return read_changed(r, db, c.newest, err);
    tls_registry_confirm(r->registry, now);
    return 0;
}

int registry_read(struct registry_read *r, struct database *db, bool whole, struct err *err)
{
    static const char *const begin[] = {[REGISTRY_SQLITE] = "BEGIN", [REGISTRY_POSTGRES] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"};
    r->changed = r->withdrawn = false;
    r->told = 0;
    if (database_script(db, begin[database_dialect(db)], err) != 0 || read_in_transaction(r, db, whole, err) != 0)
        return -1;
    return database_script(db, "COMMIT", err);
}
