/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of a kind of database; database.c chooses by the name. */
#ifndef MTLSD_IO_DATABASE_INTERNAL_H
#define MTLSD_IO_DATABASE_INTERNAL_H

#include "mtlsd/io/database.h"

#include <stddef.h>

struct database_kind {
    enum registry_dialect dialect;
    void *(*open)(const struct database_how *how, struct err *err);
    void (*close)(void *own);
    int (*run)(void *own, const struct database_query *q, struct err *err);
    int (*script)(void *own, const char *sql, struct err *err);
    int (*mark)(void *own, int64_t *mark, struct err *err);
    int (*wait)(void *own, unsigned timeout_ms, struct err *err);
};
extern const struct database_kind database_sqlite, database_postgres;

enum { DATABASE_COLUMNS_MAX = 16 };

/* A library whose functions are looked up when its first database is opened. It stays loaded. */
struct database_symbol {
    const char *name;
    size_t offset; /* of its pointer in table */
};
#define DATABASE_MEMBER(name) __typeof__(&name) name;
#define DATABASE_SYMBOL(name) {#name, offsetof(struct functions, name)},
struct database_library {
    const char *file, *package;
    const struct database_symbol *symbols;
    size_t n;
    void *table;
    bool was_tried; /* by database_load, and why it failed */
    struct err why;
};
/* From any thread. err names the package that has the library. */
MUST_CHECK int database_load(struct database_library *library, struct err *err);
/* Waits for a descriptor (-1: none) or wake_fd. 1: the descriptor is ready; 0: time is up or the wake was seen. */
int database_poll(int fd, short events, int wake_fd, int timeout_ms);
bool database_stopped(const struct database_how *how);

#endif
