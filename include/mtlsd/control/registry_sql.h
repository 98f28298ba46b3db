/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of a registry, in the words of SQLite and of PostgreSQL, and what is asked of them. mtlsd.conf(5) describes the tables, because other
 * programs write them. Statements are text only: io/ runs them. Parameters are $1, $2 in both databases, and all values are texts.
 */
#ifndef MTLSD_CONTROL_REGISTRY_SQL_H
#define MTLSD_CONTROL_REGISTRY_SQL_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum registry_dialect { REGISTRY_SQLITE, REGISTRY_POSTGRES };
enum {
    REGISTRY_SCHEMA = 2,          /* the version that this program creates and the newest that it reads */
    REGISTRY_SCHEMA_SESSIONS = 2, /* the first with a table of sessions */
    REGISTRY_SESSION_COLUMNS = 14, /* of mtlsd_sessions, in the order of the table */
};

/* The statements that make version n from version n - 1, n from 1 to REGISTRY_SCHEMA; several statements. */
const char *registry_sql_step(enum registry_dialect dialect, unsigned n);
/* Whether rows of this version can be read; err says what to do. */
MUST_CHECK int registry_sql_check_schema(int64_t version, struct err *err);

/* A row of one value. */
#define REGISTRY_SQL_SCHEMA "SELECT version FROM mtlsd_schema"
#define REGISTRY_SQL_COUNT "SELECT count(*) FROM mtlsd_certificates"
/* The oldest and the newest change that is kept; NULL: none. */
#define REGISTRY_SQL_CHANGES "SELECT min(version), max(version) FROM mtlsd_changes"
/* Columns of a row, in the order of struct registry_row_columns (control/registry_row.h). */
#define REGISTRY_SQL_ROWS "SELECT sha256, kind, state, owner, note, attributes FROM mtlsd_certificates"
/* The rows that changed after version $1, up to version $2; kind is NULL where the row is gone, sha256 where all rows were removed at once. */
#define REGISTRY_SQL_CHANGED                                                                                                                           \
    "SELECT DISTINCT x.sha256, c.kind, c.state, c.owner, c.note, c.attributes FROM mtlsd_changes x LEFT JOIN mtlsd_certificates c "                     \
    "ON c.sha256 = x.sha256 WHERE x.version > $1 AND x.version <= $2"
/* PostgreSQL: 1 if sessions can be written. */
#define REGISTRY_SQL_MAY_WRITE_SESSIONS                                                                                                                \
    "SELECT count(*) FROM (SELECT 1 WHERE has_table_privilege('mtlsd_sessions', 'INSERT') AND has_table_privilege('mtlsd_sessions', 'UPDATE') "         \
    "AND has_table_privilege('mtlsd_sessions', 'SELECT')) x"
/* The columns of a session for people. */
#define REGISTRY_SQL_SESSIONS                                                                                                                          \
    "SELECT began, ended, registry, host, listener, address, sha256, subject, owner, requests, bytes_in, bytes_out, reason FROM mtlsd_sessions"
/* Writes n sessions, or their ends: a text with its NUL, of REGISTRY_SESSION_COLUMNS parameters for each. -1: it does not fit. */
MUST_CHECK int registry_sql_put_sessions(struct bytes *out, size_t n);

#endif
