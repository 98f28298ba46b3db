/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/registry_sql.h"

/* Changes that are kept for readers; who is further behind reads all rows. */
#define KEPT_CHANGES "100000"

#define CERTIFICATES(hex)                                                                                                                              \
    "CREATE TABLE mtlsd_schema (version integer NOT NULL);\n"                                                                                          \
    "INSERT INTO mtlsd_schema (version) VALUES (1);\n"                                                                                                 \
    "CREATE TABLE mtlsd_certificates (\n"                                                                                                              \
    "  sha256 text PRIMARY KEY CHECK (" hex "),\n"                                                                                                     \
    "  kind text NOT NULL DEFAULT 'certificate' CHECK (kind IN ('certificate', 'key')),\n"                                                             \
    "  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'revoked')),\n"                                                    \
    "  owner text,\n  note text,\n  attributes text,\n  subject text,\n  not_after text,\n  added text);\n"

static const char sqlite_1[] =
    CERTIFICATES("length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'")
    "CREATE TABLE mtlsd_changes (version integer PRIMARY KEY AUTOINCREMENT, sha256 text);\n"
    "CREATE TRIGGER mtlsd_inserted AFTER INSERT ON mtlsd_certificates BEGIN\n"
    "  INSERT INTO mtlsd_changes (sha256) VALUES (new.sha256);\n"
    "  DELETE FROM mtlsd_changes WHERE version <= last_insert_rowid() - " KEPT_CHANGES ";\nEND;\n"
    "CREATE TRIGGER mtlsd_updated AFTER UPDATE ON mtlsd_certificates BEGIN\n"
    "  INSERT INTO mtlsd_changes (sha256) SELECT old.sha256 WHERE old.sha256 <> new.sha256;\n"
    "  INSERT INTO mtlsd_changes (sha256) VALUES (new.sha256);\n"
    "  DELETE FROM mtlsd_changes WHERE version <= last_insert_rowid() - " KEPT_CHANGES ";\nEND;\n"
    "CREATE TRIGGER mtlsd_deleted AFTER DELETE ON mtlsd_certificates BEGIN\n"
    "  INSERT INTO mtlsd_changes (sha256) VALUES (old.sha256);\n"
    "  DELETE FROM mtlsd_changes WHERE version <= last_insert_rowid() - " KEPT_CHANGES ";\nEND;\n";

/* Writers wait for one another before they lock a row: versions are given in the order of the commits, so that a reader misses none. */
static const char postgres_1[] =
    CERTIFICATES("sha256 ~ '^[0-9a-f]{64}$'")
    "CREATE TABLE mtlsd_changes (version bigserial PRIMARY KEY, sha256 text);\n"
    "CREATE FUNCTION mtlsd_before() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $f$ BEGIN\n"
    "  PERFORM pg_advisory_xact_lock(hashtext('mtlsd_changes'));\n  RETURN NULL;\nEND $f$;\n"
    "CREATE FUNCTION mtlsd_note() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $f$ BEGIN\n"
    "  IF TG_OP = 'TRUNCATE' THEN INSERT INTO mtlsd_changes (sha256) VALUES (NULL); RETURN NULL; END IF;\n"
    "  IF TG_OP <> 'INSERT' THEN INSERT INTO mtlsd_changes (sha256) VALUES (OLD.sha256); END IF;\n"
    "  IF TG_OP = 'DELETE' THEN RETURN NULL; END IF;\n"
    "  IF TG_OP = 'INSERT' OR OLD.sha256 <> NEW.sha256 THEN INSERT INTO mtlsd_changes (sha256) VALUES (NEW.sha256); END IF;\n"
    "  RETURN NULL;\nEND $f$;\n"
    "CREATE FUNCTION mtlsd_after() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $f$ BEGIN\n"
    "  DELETE FROM mtlsd_changes WHERE version <= (SELECT max(version) FROM mtlsd_changes) - " KEPT_CHANGES ";\n"
    "  PERFORM pg_notify('mtlsd_changes', '');\n  RETURN NULL;\nEND $f$;\n"
    "CREATE TRIGGER mtlsd_1 BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON mtlsd_certificates FOR EACH STATEMENT EXECUTE FUNCTION mtlsd_before();\n"
    "CREATE TRIGGER mtlsd_2 AFTER INSERT OR UPDATE OR DELETE ON mtlsd_certificates FOR EACH ROW EXECUTE FUNCTION mtlsd_note();\n"
    "CREATE TRIGGER mtlsd_3 AFTER TRUNCATE ON mtlsd_certificates FOR EACH STATEMENT EXECUTE FUNCTION mtlsd_note();\n"
    "CREATE TRIGGER mtlsd_4 AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON mtlsd_certificates FOR EACH STATEMENT EXECUTE FUNCTION mtlsd_after();\n";

/* For both kinds of database. */
static const char step_2[] =
    "CREATE TABLE mtlsd_sessions (\n"
    "  id text PRIMARY KEY,\n  registry text NOT NULL,\n  host text,\n  listener text NOT NULL,\n  address text NOT NULL,\n  sha256 text NOT NULL,\n"
    "  subject text,\n  owner text,\n  began text NOT NULL,\n  ended text,\n  requests bigint,\n  bytes_in bigint,\n  bytes_out bigint,\n  reason text);\n"
    "CREATE INDEX mtlsd_sessions_began ON mtlsd_sessions (began);\n"
    "UPDATE mtlsd_schema SET version = 2;\n";

const char *registry_sql_step(enum registry_dialect dialect, unsigned n)
{
    static const char *const steps[][REGISTRY_SCHEMA] = {[REGISTRY_SQLITE] = {sqlite_1, step_2}, [REGISTRY_POSTGRES] = {postgres_1, step_2}};
    return steps[dialect][n - 1];
}

/* The columns from requests to bytes_out are numbers. */
static void put_session(struct bytes *out, size_t first)
{
    for (size_t i = 0; i < REGISTRY_SESSION_COLUMNS; i++)
        bytes_printf(out, i >= 10 && i <= 12 ? "%sCAST($%zu AS bigint)" : "%s$%zu", i == 0 ? "(" : ", ", first + i);
    bytes_append_str(out, ")");
}

int registry_sql_put_sessions(struct bytes *out, size_t n)
{
    bytes_append_str(out, "INSERT INTO mtlsd_sessions (id, registry, host, listener, address, sha256, subject, owner, began, ended, requests, bytes_in, bytes_out, reason) VALUES ");
    for (size_t i = 0; i < n; i++) {
        bytes_append_str(out, i > 0 ? ", " : "");
        put_session(out, i * REGISTRY_SESSION_COLUMNS + 1);
    }
    bytes_append_str(out, " ON CONFLICT (id) DO UPDATE SET ended = excluded.ended, requests = excluded.requests, bytes_in = excluded.bytes_in, "
                          "bytes_out = excluded.bytes_out, reason = excluded.reason");
    return bytes_append(out, "", 1);
}

int registry_sql_check_schema(int64_t version, struct err *err)
{
    if (version < 1)
        return err_set(err, ERR_CREDENTIAL, "its tables have version %lld, which there never was: create them with mtlsd registry init", (long long)version);
    if (version > REGISTRY_SCHEMA)
        return err_set(err, ERR_CREDENTIAL, "its tables have version %lld, and this mtlsd reads versions up to %d: install the mtlsd that made them",
                       (long long)version, REGISTRY_SCHEMA);
    return 0;
}
