/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection, blocking, with an end of time, plaintext or TLS: for commands that try something out (check --connect, demo). The
 * daemon's own traffic never comes through here. The first failure stays; after it every call says so again.
 */
#ifndef MTLSD_IO_PROBE_H
#define MTLSD_IO_PROBE_H

#include "mtlsd/base/address.h"
#include "mtlsd/tls/tls_engine.h"

struct probe;

/* Connects, trying every address of a name. NULL only when memory ran out; otherwise look at probe_failed. */
struct probe *probe_connect(const struct address *target, unsigned within_ms);
/* Waits for the next caller, however long. NULL when that cannot be had. */
struct probe *probe_accept(int listener);
void probe_free(struct probe *p); /* NULL is fine */

/* From now on this long until everything that follows fails by its time. */
void probe_limit(struct probe *p, unsigned within_ms);
/* Sessions are kept there and resumed from there; borrowed for the probe's life. Call before probe_start_tls. */
void probe_use_tickets(struct probe *p, struct tls_tickets *tickets);
/* Makes the connection TLS and finishes the handshake. A peer that speaks TLS 1.3 may still refuse us at the first read. */
MUST_CHECK bool probe_start_tls(struct probe *p, struct tls_context *ctx);

/* Sends all of it. */
MUST_CHECK bool probe_send(struct probe *p, struct span data);
/* Waits for bytes and gives how many; 0 at the end of the stream or on failure. */
MUST_CHECK size_t probe_read(struct probe *p, void *buf, size_t size);

struct probe_turn { /* both directions at once */
    struct span out; /* the rest to send; shrinks as it is taken */
    uint8_t *in;
    size_t in_size; /* 0: nothing is read */
    size_t got;
};
/* Waits until something moved. False at the end of the stream (with nothing got) or on failure. */
MUST_CHECK bool probe_turn(struct probe *p, struct probe_turn *turn);
/* Nothing more will be sent: close_notify, then FIN. Reading goes on. */
void probe_end(struct probe *p);

bool probe_failed(const struct probe *p);
enum reason probe_reason(const struct probe *p);       /* REASON_UNDECIDED: nothing failed */
const char *probe_text(const struct probe *p);         /* the sentence, "" when nothing failed */
const char *probe_refused_by(const struct probe *p);   /* "us", "peer", "network"; "" when nothing failed */
const struct tls_engine *probe_engine(const struct probe *p); /* NULL: plaintext, or it did not get that far */

/* A listening socket on 127.0.0.1 on a port that was free, or -1 + err. Closed over exec. */
MUST_CHECK int probe_listen(uint16_t *port, struct err *err);
/* Keeps a free port of 127.0.0.1 for a process of ours that will listen there: no outgoing connection takes it meanwhile. */
MUST_CHECK int probe_reserve(uint16_t *port, struct err *err);
void probe_release(int fd);

double probe_seconds(void);      /* a clock that only goes forward */
void probe_pause(unsigned ms);   /* between two looks at something that is not ready yet */

#endif
