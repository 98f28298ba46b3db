/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that holds every private key, seen from the process of connections. It is forked before that has threads and sockets, signs over
 * socketpairs, and is never started again: when it ends, so does the daemon. Each thread takes a socketpair for its request, of which there are
 * enough for all, and waits for the answer with a deadline.
 */
#ifndef MTLSD_IO_KEY_CLIENT_H
#define MTLSD_IO_KEY_CLIENT_H

#include "mtlsd/control/identity_files.h"
#include "mtlsd/control/sandbox_plan.h"

#include <sys/types.h>

struct key_client;
struct privilege;
struct workload_order;
struct uv_loop_s;

struct key_client_order {
    unsigned threads;             /* that may sign at a time */
    const struct privilege *user; /* to become when it is told to; borrowed; NULL: none */
    const struct sandbox_plan *sandbox; /* the files that it may open; it filters its system calls, too. NULL: it does neither */
    const struct workload_order *workload; /* the SPIFFE Workload API that it asks; borrowed; its on_change does not count. NULL: none */
};

/* Forks: no thread runs yet, and no descriptor of use is open. NULL + err. */
struct key_client *key_client_new(const struct key_client_order *order, struct err *err);
/* Ends the process, waits for that, and frees. NULL is fine. Only after the last key of the source was given back. */
void key_client_free(struct key_client *c);

/* For snapshot_new. Each set it begins is released when its last key is. Borrowed. */
const struct identity_source *key_client_source(const struct key_client *c);
bool key_client_is_locked(const struct key_client *c); /* false: keys may be written to swap */
/* The process becomes the user, as this one does. -1 + err. */
MUST_CHECK int key_client_become(struct key_client *c, struct err *err);
/* Its sandbox, which is whole after it has become the user, if there is one. Borrowed. */
const struct sandbox_facts *key_client_sandbox(const struct key_client *c);

/* A key that the process made for a renewed certificate of an identity. */
struct key_client_renewal {
    struct tls_signing_key *key; /* counted: it is used as others are, also after it was written */
    uint64_t id;
    struct bytes request; /* PKCS#10, DER */
};
/* Makes one. -1 + err. Blocking: for a thread of its own. */
MUST_CHECK int key_client_renew(struct key_client *c, const struct identity_order *order, struct key_client_renewal *out, struct err *err);
/* Writes it and its certificates, PEM, in place of the identity's files, which must be as they were. Once. -1 + err: they stay as they are. */
MUST_CHECK int key_client_write(struct key_client *c, const struct key_client_renewal *renewal, struct span certificates, struct err *err);
void key_client_renewal_clear(struct key_client_renewal *renewal); /* forgets a key that was not written */

/* Calls on_end once, on the loop, when the process has ended; how is for the log ("signal 9"). The watch ends itself then; else key_client_unwatch ends it. */
MUST_CHECK int key_client_watch(struct key_client *c, struct uv_loop_s *loop, void (*on_end)(void *ctx, const char *how), void *ctx, struct err *err);
void key_client_unwatch(struct key_client *c);

/* The last answer of the Workload API, packed (control/workload.h); wait: for its first answer. *packed must be empty. -1 + err. */
MUST_CHECK int key_client_workload(struct key_client *c, bool wait, struct bytes *packed, struct err *err);
/* Calls on_change on the loop when it gave something else, or ended. Does nothing without workload. key_client_unwatch ends this, too. */
MUST_CHECK int key_client_watch_workload(struct key_client *c, struct uv_loop_s *loop, void (*on_change)(void *ctx), void *ctx, struct err *err);

pid_t key_client_pid(const struct key_client *c);
bool key_client_answers(const struct key_client *c); /* false: the last request got no answer in time */
uint64_t key_client_refused(const struct key_client *c); /* requests that only a process that is taken over sends */

#endif
