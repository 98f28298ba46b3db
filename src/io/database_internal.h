/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of a kind of database; database.c chooses by the name. */
#ifndef MTLSD_IO_DATABASE_INTERNAL_H
#define MTLSD_IO_DATABASE_INTERNAL_H

#include "mtlsd/io/database.h"

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

/* Fills a table of function pointers from a library, which stays loaded. err names the package that has it. */
struct database_symbol {
    const char *name;
    size_t offset;
};
MUST_CHECK int database_load(const char *library, const char *package, const struct database_symbol *symbols, size_t n, void *table, struct err *err);
/* Waits for a descriptor (-1: none) or wake_fd. 1: the descriptor is ready; 0: time is up or the wake was seen. */
int database_poll(int fd, short events, int wake_fd, int timeout_ms);
bool database_stopped(const struct database_how *how);

#endif
