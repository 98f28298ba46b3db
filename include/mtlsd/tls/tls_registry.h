/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a registry in memory: which certificates, or which keys, are active, suspended or revoked. A trust asks it about each leaf that it
 * verifies. Nothing is read from a database here: io/ reads, control/ understands the rows, and this keeps them.
 *
 * An index is one generation. It is a hash table in two levels: a list of shards, and in each shard rows by open addressing. A lookup costs the same
 * with a million rows as with one. Generations share the shards that did not change, so that a changed row copies one shard of some kilobytes. The
 * registry holds the current generation, and readers keep theirs until they are done.
 */
#ifndef MTLSD_TLS_TLS_REGISTRY_H
#define MTLSD_TLS_TLS_REGISTRY_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    TLS_REGISTRY_ID_BYTES = 32,           /* SHA-256 */
    TLS_REGISTRY_ROW_TEXT_MAX = 16 * 1024, /* owner, note, names and values of a row together */
};

enum tls_registry_state {
    TLS_REGISTRY_ABSENT, /* of no row */
    TLS_REGISTRY_ACTIVE,
    TLS_REGISTRY_SUSPENDED,
    TLS_REGISTRY_REVOKED,
    TLS_REGISTRY_INVALID, /* the row cannot be understood: refused as if it were suspended */
    TLS_REGISTRY_STATES
};
/* "active", ...; the word in a row. */
const char *tls_registry_state_word(enum tls_registry_state state);

/* ---- texts of a row: owner, note and attributes by name ---- */

struct tls_registry_text; /* counted, immutable */
struct tls_registry_pair { struct span name, value; };

/* NULL: out of memory, or n is 0. Copies all. A name has at most 255 bytes. */
struct tls_registry_text *tls_registry_text_new(const struct tls_registry_pair *pairs, size_t n);
struct tls_registry_text *tls_registry_text_ref(struct tls_registry_text *text);
void tls_registry_text_unref(struct tls_registry_text *text); /* NULL is allowed */
struct span tls_registry_text_find(const struct tls_registry_text *text, struct span name); /* the same as: */
/* ptr NULL: there is none of this name. Borrowed. text may be NULL. */
struct span tls_registry_text_get(const struct tls_registry_text *text, const char *name);
/* The i-th pair; false past the end. */
bool tls_registry_text_at(const struct tls_registry_text *text, size_t i, struct tls_registry_pair *out);
bool tls_registry_text_same(const struct tls_registry_text *a, const struct tls_registry_text *b);

/* ---- one generation ---- */

struct tls_registry_index;

struct tls_registry_row {
    uint8_t id[TLS_REGISTRY_ID_BYTES]; /* SHA-256 of the certificate, or of its public key with by_key */
    struct tls_registry_text *text;    /* NULL: none */
    uint8_t state;
    bool by_key;
};

struct tls_registry_totals {
    size_t rows, by_state[TLS_REGISTRY_STATES];
    size_t by_key;
    size_t bytes; /* of memory, without texts */
};

/* expected: about how many rows will come. NULL: out of memory. */
struct tls_registry_index *tls_registry_index_new(size_t expected);
/* The same rows, sharing all shards. NULL: out of memory. */
struct tls_registry_index *tls_registry_index_copy(const struct tls_registry_index *index);
void tls_registry_index_free(struct tls_registry_index *index);
/* Replaces the row of this id, or adds it. Takes row->text on success. -1: out of memory, and nothing changed. Only before the index is in use. */
MUST_CHECK int tls_registry_index_put(struct tls_registry_index *index, const struct tls_registry_row *row);
/* -1: out of memory. An absent row is fine. */
MUST_CHECK int tls_registry_index_remove(struct tls_registry_index *index, const uint8_t *id);
const struct tls_registry_row *tls_registry_index_find(const struct tls_registry_index *index, const uint8_t *id);
void tls_registry_index_totals(const struct tls_registry_index *index, struct tls_registry_totals *out);

/* ---- the registry: the current generation, and how fresh it is ---- */

struct tls_registry;

struct tls_registry *tls_registry_new(const char *name);
struct tls_registry *tls_registry_ref(struct tls_registry *r);
void tls_registry_unref(struct tls_registry *r);
const char *tls_registry_name(const struct tls_registry *r);

/* From any thread, one at a time. Takes index; now: the rows are as the database had them at this time (seconds since 1970). withdraws: a row that is
 * there already changed or went, so that tickets end. -1: out of memory; index is still the caller's, and the rows before stay. */
MUST_CHECK int tls_registry_replace(struct tls_registry *r, struct tls_registry_index *index, int64_t now, bool withdraws);
/* The database was asked, and the rows are still the same. */
void tls_registry_confirm(struct tls_registry *r, int64_t now);
/* The database cannot be read: kept for messages. NULL: it can. */
void tls_registry_failed(struct tls_registry *r, const char *error);

enum { TLS_REGISTRY_ERROR_SIZE = 240 };
struct tls_registry_facts {
    bool loaded;
    int64_t good_at;     /* the last time at which the rows were those of the database; 0: never */
    uint64_t generation; /* counts replacements */
    uint64_t withdrawals;
    struct tls_registry_totals totals;
    char error[TLS_REGISTRY_ERROR_SIZE]; /* "": none */
};
void tls_registry_facts(struct tls_registry *r, struct tls_registry_facts *out);
uint64_t tls_registry_withdrawals(const struct tls_registry *r);

struct tls_registry_answer {
    bool loaded;
    int64_t good_at;
    enum tls_registry_state state;  /* of the certificate's row and the key's the worse */
    struct tls_registry_text *text; /* the certificate's, else the key's; counted: the caller gives it back. NULL: none */
};
/* Safe from many threads, also while rows are replaced. */
void tls_registry_look_up(struct tls_registry *r, const uint8_t *cert_id, const uint8_t *key_id, struct tls_registry_answer *out);

#endif
