/* SPDX-License-Identifier: Apache-2.0 */
#include "registry.h"

#include "mtlsd/base/text.h"
#include "mtlsd/config/config.h"
#include "mtlsd/control/document.h"
#include "mtlsd/control/registry_sql.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/file.h"
#include "command.h"
#include "mtlsd/daemon/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 10 * 1000, FILE_MODE = 0640 };

#define COLUMNS "sha256, kind, state, owner, note, attributes, subject, not_after, added"

void registry_place_flags(struct registry_place *place, struct flag flags[REGISTRY_PLACE_FLAGS])
{
    flags[0] = (struct flag){.name = "--database", .kind = FLAG_TEXT, .target = &place->database, .value = "DATABASE",
                             .help = "the database: sqlite:FILE, or a URI of PostgreSQL"};
    flags[1] = (struct flag){.name = "--config", .brief = "-c", .kind = FLAG_TEXT, .target = &place->config, .value = "FILE",
                             .help = "configuration that names the database (default: " COMMAND_CONFIG_PATH ")"};
    flags[2] = (struct flag){.name = "--registry", .kind = FLAG_TEXT, .target = &place->name, .value = "NAME",
                             .help = "its registry, if it has several"};
}

/* ---- which database ---- */

static int choose(const struct config *c, const struct registry_place *place, struct registry_store *s, struct err *err)
{
    const struct config_registry *found = place->name != NULL ? config_find_registry(c, place->name) : c->n_registries == 1 ? &c->registries[0] : NULL;
    if (found == NULL && place->name != NULL)
        return err_set(err, ERR_USAGE, "%s: no registry \"%s\" is defined", place->config, place->name);
    if (found == NULL && c->n_registries == 0)
        return err_set(err, ERR_USAGE, "%s defines no registry: name the database with --database sqlite:FILE", place->config);
    if (found == NULL)
        return err_set(err, ERR_USAGE, "%s defines %zu registries: choose one with --registry NAME", place->config, c->n_registries);
    s->verify_tls = config_registry_wants_tls(found);
    s->database = strdup(found->database);
    return s->database != NULL ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

static int choose_from_config(const struct registry_place *given, struct registry_store *s, struct err *err)
{
    struct registry_place place = *given;
    struct findings findings;
    findings_init(&findings);
    if (place.config == NULL)
        place.config = COMMAND_CONFIG_PATH;
    struct config *c = config_load(place.config, &findings);
    int rc = -1;
    if (c == NULL) {
        run_print_findings(&findings);
        (void)err_set(err, ERR_CONFIG, "%s cannot be used; --database names a database without a configuration", place.config);
    } else {
        rc = choose(c, &place, s, err);
    }
    config_free(c);
    findings_clear(&findings);
    return rc;
}

static int choose_by_flag(const char *database, struct registry_store *s, struct err *err)
{
    bool sqlite = strncmp(database, "sqlite:", 7) == 0 && database[7] != '\0';
    bool postgres = strncmp(database, "postgresql://", 13) == 0 || strncmp(database, "postgres://", 11) == 0;
    if (!sqlite && !postgres)
        return err_set(err, ERR_USAGE, "\"%.200s\" names no database: write sqlite:FILE or postgresql://USER@HOST/NAME", database);
    const struct config_registry conf = {.database = (char *)(uintptr_t)database};
    s->verify_tls = config_registry_wants_tls(&conf);
    s->database = strdup(database);
    return s->database != NULL ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

/* Not every user of the host is to read who may connect. */
static int make_file(const char *database, struct err *err)
{
    const char *path = database + strlen("sqlite:");
    return strncmp(database, "sqlite:", 7) != 0 || file_exists(path) ? 0 : file_write(path, span_of(NULL, 0), FILE_MODE, false, err);
}

int registry_store_open(struct registry_store *s, const struct registry_place *place, enum registry_store_use use, struct err *err)
{
    int64_t version;
    *s = (struct registry_store){0};
    if (place->database != NULL && place->config != NULL)
        return err_set(err, ERR_USAGE, "--database and --config both name a database: give one of them");
    if ((place->database != NULL ? choose_by_flag(place->database, s, err) : choose_from_config(place, s, err)) != 0)
        return -1;
    const struct database_how how = {.database = s->database, .read_only = use == REGISTRY_STORE_READ, .create = use == REGISTRY_STORE_CREATE,
                                     .verify_tls = s->verify_tls, .patience_ms = PATIENCE_MS, .wake_fd = -1};
    if ((use != REGISTRY_STORE_CREATE || make_file(s->database, err) == 0) && (s->db = database_open(&how, err)) != NULL &&
        (use == REGISTRY_STORE_CREATE || database_schema(s->db, &version, err) == 0))
        return 0;
    registry_store_close(s);
    return -1;
}

void registry_store_close(struct registry_store *s)
{
    database_close(s->db);
    free(s->database);
    *s = (struct registry_store){0};
}

/* ---- tables ---- */

int registry_store_begin(struct registry_store *s, struct err *err)
{
    return database_script(s->db, database_dialect(s->db) == REGISTRY_SQLITE ? "BEGIN IMMEDIATE" : "BEGIN", err);
}

int registry_store_commit(struct registry_store *s, struct err *err)
{
    return database_script(s->db, "COMMIT", err);
}

static int version_of(struct registry_store *s, int64_t *version, struct err *err)
{
    static const char *const asks[] = {[REGISTRY_SQLITE] = "SELECT count(*) FROM sqlite_master WHERE name = 'mtlsd_schema'",
                                       [REGISTRY_POSTGRES] = "SELECT count(*) FROM pg_class WHERE oid = to_regclass('mtlsd_schema')"};
    int64_t tables;
    *version = 0;
    if (database_number(s->db, asks[database_dialect(s->db)], 0, &tables, err) != 0)
        return -1;
    return tables > 0 ? database_number(s->db, REGISTRY_SQL_SCHEMA, 0, version, err) : 0;
}

int registry_store_migrate(struct registry_store *s, int64_t *from, struct err *err)
{
    enum registry_dialect dialect = database_dialect(s->db);
    /* Readers of a file in WAL mode and a writer do not wait for one another. */
    if (dialect == REGISTRY_SQLITE && database_script(s->db, "PRAGMA journal_mode = WAL", err) != 0)
        return -1;
    if (registry_store_begin(s, err) != 0 || version_of(s, from, err) != 0 || (*from > 0 && registry_sql_check_schema(*from, err) != 0))
        return -1;
    for (int64_t n = *from + 1; n <= REGISTRY_SCHEMA; n++)
        if (database_script(s->db, registry_sql_step(dialect, (unsigned)n), err) != 0)
            return -1;
    return registry_store_commit(s, err);
}

/* ---- rows ---- */

int registry_store_put(struct registry_store *s, const struct registry_entry *e, bool replace, bool *added, struct err *err)
{
    static const char insert[] = "INSERT INTO mtlsd_certificates (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (sha256) DO NOTHING";
    static const char upsert[] =
        "INSERT INTO mtlsd_certificates (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (sha256) DO UPDATE SET kind = excluded.kind, "
        "state = excluded.state, owner = excluded.owner, note = excluded.note, attributes = excluded.attributes, subject = excluded.subject, "
        "not_after = excluded.not_after, added = excluded.added";
    const char *params[] = {e->sha256, e->kind, e->state, e->owner, e->note, e->attributes, e->subject, e->not_after, e->added};
    size_t changed = 0;
    const struct database_query q = {.sql = replace ? upsert : insert, .params = params, .n_params = 9, .changed = &changed};
    int rc = database_run(s->db, &q, err);
    *added = changed > 0;
    return rc;
}

int registry_store_add(struct registry_store *s, const struct registry_subject *subject, const struct registry_entry *e, const char *name, struct err *err)
{
    struct registry_entry all = *e;
    char now[21];
    bool added;
    text_utc(now, clock_now());
    all.sha256 = subject->sha256;
    all.subject = subject->subject[0] != '\0' ? subject->subject : NULL;
    all.not_after = subject->not_after[0] != '\0' ? subject->not_after : NULL;
    all.added = now;
    if (registry_store_put(s, &all, false, &added, err) != 0)
        return -1;
    return added ? 0 : err_set(err, ERR_CREDENTIAL, "%s is in the registry already: change it with mtlsd registry set, suspend, resume or revoke", name);
}

static char *text_of(struct span value)
{
    return value.ptr != NULL ? span_dup(value) : NULL;
}

/* The attributes as an object, or as the text that they are if they are none. */
static json_t *attributes_value(const char *text)
{
    json_t *object = text != NULL && text[0] != '\0' ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : json_object();
    if (json_is_object(object))
        return object;
    json_decref(object);
    return document_text(text);
}

static int on_entry(void *ctx, const struct span *values, size_t n)
{
    json_t **rows = ctx;
    char *texts[9] = {NULL};
    for (size_t i = 0; i < 9 && i < n; i++)
        texts[i] = text_of(values[i]);
    *rows = document_append(*rows, document_object("sha256:t kind:t state:t owner:t note:t attributes:o subject:t not_after:t added:t", texts[0], texts[1], texts[2],
                                                   texts[3], texts[4], attributes_value(texts[5]), texts[6], texts[7], texts[8]));
    for (size_t i = 0; i < 9; i++)
        free(texts[i]);
    return *rows != NULL ? 0 : -1;
}

int registry_store_rows(struct registry_store *s, const char *sha256, const char *state, json_t **rows, struct err *err)
{
    const char *one = sha256 != NULL ? sha256 : state;
    const struct database_query q = {
        .sql = sha256 != NULL  ? "SELECT " COLUMNS " FROM mtlsd_certificates WHERE sha256 = $1"
               : state != NULL ? "SELECT " COLUMNS " FROM mtlsd_certificates WHERE state = $1 ORDER BY added, sha256"
                               : "SELECT " COLUMNS " FROM mtlsd_certificates ORDER BY added, sha256",
        .params = &one, .n_params = one != NULL, .on_row = on_entry, .ctx = rows};
    *rows = json_array();
    int rc = database_run(s->db, &q, err);
    if (rc == 0)
        return 0;
    json_decref(*rows);
    *rows = NULL;
    return rc;
}

int registry_store_update(struct registry_store *s, const struct registry_entry *e, const char *states, bool *changed, struct err *err)
{
    static const char sql[] = "UPDATE mtlsd_certificates SET state = coalesce($2, state), owner = nullif(coalesce($3, owner), ''), "
                              "note = nullif(coalesce($4, note), ''), attributes = nullif(coalesce($5, attributes), '') "
                              "WHERE sha256 = $1 AND ($6 = '' OR position_of_state > 0)";
    static const char *const find[] = {[REGISTRY_SQLITE] = "instr($6, state)", [REGISTRY_POSTGRES] = "strpos($6, state)"};
    const char *params[] = {e->sha256, e->state, e->owner, e->note, e->attributes, states != NULL ? states : ""};
    char text[sizeof(sql) + 32];
    size_t n = 0;
    const char *mark = strstr(sql, "position_of_state");
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(mark - sql), sql, find[database_dialect(s->db)], mark + strlen("position_of_state"));
    const struct database_query q = {.sql = text, .params = params, .n_params = 6, .changed = &n};
    int rc = database_run(s->db, &q, err);
    *changed = n > 0;
    return rc;
}
