/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes connections of verified callers into the table mtlsd_sessions (control/sessions.h): a thread of its own takes what waits, some rows in one
 * statement. When the database fails it tries again, less often each time, and what finds no place in the queue meanwhile is lost. A row that the
 * database does not take, while it takes others, is lost too. Losses are logged once in ten seconds.
 */
#ifndef MTLSD_IO_SESSION_WRITER_H
#define MTLSD_IO_SESSION_WRITER_H

#include "mtlsd/base/err.h"
#include "mtlsd/control/sessions.h"

struct session_writer;

struct session_writer_spec {
    const char *registry, *database; /* copied */
    bool verify_tls;
    struct sessions *sessions; /* counted */
};

/* NULL + err: no memory, descriptor or thread. */
struct session_writer *session_writer_start(const struct session_writer_spec *spec, struct err *err);
/* Writes what waits, for some seconds at most, and ends the thread. Blocks. false: it hangs in the library, and its memory stays. */
bool session_writer_stop(struct session_writer *w);
/* Whether rows could be written now. */
MUST_CHECK int session_writer_check(const struct session_writer_spec *spec, struct err *err);

#endif
