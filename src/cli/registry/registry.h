/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `mtlsd registry`: rows of certificates in a database. */
#ifndef MTLSD_CLI_REGISTRY_H
#define MTLSD_CLI_REGISTRY_H

#include "flags.h"
#include "mtlsd/io/database.h"

#include <jansson.h>

/* Which database: --database, or a registry of the configuration. */
struct registry_place {
    const char *database, *config, *name;
};
enum { REGISTRY_PLACE_FLAGS = 3 };
void registry_place_flags(struct registry_place *place, struct flag flags[REGISTRY_PLACE_FLAGS]);
#define REGISTRY_PLACE_USAGE "[--database DATABASE | -c FILE [--registry NAME]]"

struct registry_store {
    struct database *db;
    char *database; /* owned; with its password: not for messages */
    bool verify_tls;
};
enum registry_store_use { REGISTRY_STORE_READ, REGISTRY_STORE_WRITE, REGISTRY_STORE_CREATE };
/* CREATE makes a file of SQLite that is not there; otherwise the tables must be there, of a version that this program knows. */
MUST_CHECK int registry_store_open(struct registry_store *s, const struct registry_place *place, enum registry_store_use use, struct err *err);
void registry_store_close(struct registry_store *s);
/* Brings the tables to the newest version; *from: what it was, 0: there were none. */
MUST_CHECK int registry_store_migrate(struct registry_store *s, int64_t *from, struct err *err);

/* Something that a command does in the database. */
struct registry_action {
    enum registry_store_use use;
    int (*act)(struct registry_store *s, void *ctx, struct err *err);
    void *ctx;
    struct flag_list *operands; /* NULL: it takes none */
};
/* A command with its own flags (8 at most) and those of the place. Gives an exit code. */
int registry_command(const struct flags *flags, const struct registry_action *action, int argc, char **argv);

/* A certificate: a PEM file on the command line, or the SHA-256 that stands in a message. */
struct registry_subject {
    char sha256[65];
    char subject[256], not_after[21]; /* "": not known, of a hash */
};

struct registry_entry { /* borrowed; NULL: not given */
    const char *sha256, *kind, *state, *owner, *note, *attributes, *subject, *not_after, *added;
};
/* Adds a row; *added false: there is one of this id, and replace is false. */
MUST_CHECK int registry_store_put(struct registry_store *s, const struct registry_entry *e, bool replace, bool *added, struct err *err);
/* A row for this certificate in e's state, with e's owner, note and attributes; it fails if there is one. name: of the certificate, for messages. */
MUST_CHECK int registry_store_add(struct registry_store *s, const struct registry_subject *subject, const struct registry_entry *e, const char *name, struct err *err);
/* Rows as a JSON list, of one id, one state or all (NULL). */
MUST_CHECK int registry_store_rows(struct registry_store *s, const char *sha256, const char *state, json_t **rows, struct err *err);
/* Sets the columns that e names, of a row that is in one of the states of the list ("active suspended"; NULL: any). *changed: whether there was one. */
MUST_CHECK int registry_store_update(struct registry_store *s, const struct registry_entry *e, const char *states, bool *changed, struct err *err);
MUST_CHECK int registry_store_begin(struct registry_store *s, struct err *err);
MUST_CHECK int registry_store_commit(struct registry_store *s, struct err *err);

MUST_CHECK int registry_subject_read(const char *operand, bool by_key, struct registry_subject *out, struct err *err);
/* The certificate in a text that was just issued. */
MUST_CHECK int registry_subject_of(struct span pem, const char *file, struct registry_subject *out, struct err *err);

/* {"role": "ops"} of NAME=VALUE, over what there is (NULL: nothing). An empty value takes the attribute away. *out is the caller's; NULL: none is left. */
MUST_CHECK int registry_attributes(const char *before, const struct flag_list *given, char **out, struct err *err);

#endif
