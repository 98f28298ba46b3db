/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of verified callers, on their way into the table mtlsd_sessions of a registry. A connection has a row from its begin on, which is
 * written again when it ends; one that begins and ends between two writes is written once. Rows wait in a queue with a maximum, from which the thread of
 * io/session_writer.c takes them. While the queue is full, rows are lost and counted: no connection waits for a database.
 *
 *   a session   OUT       known to its connection only
 *               WAITING   in the queue
 *               TAKEN     being written; its connection may end meanwhile, and it waits again
 */
#ifndef MTLSD_CONTROL_SESSIONS_H
#define MTLSD_CONTROL_SESSIONS_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/reasons.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct report;
struct sessions;
struct session;
struct tls_peer;

enum { SESSIONS_MOST = 8192, SESSIONS_TEXT_MAX = 512 /* bytes of subject and owner; the rest is cut */ };

/* process: a number that no other process has; ids of rows begin with it. most: rows that may wait. NULL: out of memory. */
struct sessions *sessions_new(uint64_t process, size_t most);
struct sessions *sessions_ref(struct sessions *s);
void sessions_unref(struct sessions *s);

/* ---- of connections: from any thread; a session belongs to the thread of its connection ---- */

struct session_who {
    const char *listener, *address;
    const struct tls_peer *peer;
};
/* NULL: out of memory, which counts as lost, or nothing is written any more. */
struct session *session_begin(struct sessions *s, const struct session_who *who, int64_t now);
/* A request or the connection itself has ended. */
void session_note(struct session *x, const struct report *r);
/* The connection is over; x is gone. */
void session_end(struct session *x, int64_t now);

/* ---- of the writer: from one thread ---- */

struct session_row { /* borrowed from the session until it is given back */
    struct session *session;
    const char *id, *listener, *address, *sha256, *subject, *owner; /* owner NULL: none. Texts are UTF-8 without control characters */
    int64_t began, ended; /* seconds since 1970; ended 0: it is open, and what follows is not known */
    uint64_t requests, bytes_in, bytes_out;
    enum reason reason; /* of its last request, or of its end */
};
/* Calls wake, from any thread, when rows begin to wait and when the queue is half full. NULL: none. */
void sessions_on_rows(struct sessions *s, void (*wake)(void *ctx), void *ctx);
/* The oldest, at most n; each has to be given back by one of the functions that follow. */
size_t sessions_take(struct sessions *s, struct session_row *rows, size_t n);
void sessions_written(struct sessions *s, const struct session_row *rows, size_t n);
void sessions_failed(struct sessions *s, const struct session_row *rows, size_t n); /* they wait again, in front of the others */
void sessions_lost(struct sessions *s, const struct session_row *rows, size_t n);   /* the database does not take them */
/* Nothing is taken any more: what waits is lost. */
void sessions_close(struct sessions *s);

enum { SESSIONS_ERROR_SIZE = 240 };
struct sessions_facts {
    size_t waiting;
    uint64_t written, lost; /* connections that have ended */
    char error[SESSIONS_ERROR_SIZE]; /* the last write failed; "": it did not */
};
void sessions_say_error(struct sessions *s, const char *error); /* NULL: none */
void sessions_facts(struct sessions *s, struct sessions_facts *out);

#endif
