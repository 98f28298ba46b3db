/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a registry as its database is: a thread of its own connects, reads all rows once, and then the changes. It hears of a change of SQLite by the
 * mark that each commit moves, and of PostgreSQL by NOTIFY; both are also asked regularly. When the database is away the rows stay, and it tries again,
 * less often each time. Errors are logged when they begin, and when they are over.
 */
#ifndef MTLSD_IO_REGISTRY_READER_H
#define MTLSD_IO_REGISTRY_READER_H

#include "mtlsd/base/err.h"
#include "mtlsd/control/file_access.h"
#include "mtlsd/tls/tls_registry.h"

struct registry_reader;

struct registry_reader_spec {
    const char *database; /* copied */
    bool verify_tls;
    struct tls_registry *registry;                   /* counted */
    void (*on_change)(void *ctx, bool withdrawn);    /* on the reader's thread, when rows changed; NULL: none */
    void *ctx;
};

/* NULL + err: no memory or no thread. */
struct registry_reader *registry_reader_start(const struct registry_reader_spec *spec, struct err *err);
/* Until the first attempt to read is over, at most so long. */
void registry_reader_wait(struct registry_reader *r, unsigned timeout_ms);
/* Looks now: something happened to the file. From any thread. */
void registry_reader_look(struct registry_reader *r);
/* Ends the thread. false: it hangs in the library, and its memory stays. */
bool registry_reader_stop(struct registry_reader *r);

/* One read on this thread, for commands. -1 + err: it cannot be read. */
MUST_CHECK int registry_reader_once(const struct registry_reader_spec *spec, struct err *err);
/* Whether other users can change a file of SQLite: the text of what is wrong, "" otherwise. -1: there is no such file. */
enum { REGISTRY_READER_ACCESS = 2048 };
MUST_CHECK int registry_reader_access(const char *database, enum finding_level *level, char text[REGISTRY_READER_ACCESS]);

#endif
