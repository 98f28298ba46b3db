/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of keys, without its sockets: a request in, an answer out. It signs what TLS signs, with the keys that were read, and gives no key away.
 * It requests a certificate only for a key that it made itself, and writes that only in place of the identity that it was made for.
 * With the key of a CA (tls_issuer.h) it signs certificates that it makes itself, and nothing else: it refuses to read that key as one of an identity.
 * A key is wiped when no connection and no snapshot uses it any more. Until then handshakes of an older snapshot are served; afterwards it signs nothing.
 * A request is hostile: the process that sends it may be taken over. What only such a process asks for is refused and counted.
 */
#ifndef MTLSD_KEYS_KEY_SERVICE_H
#define MTLSD_KEYS_KEY_SERVICE_H

#include "mtlsd/control/snapshot.h"

struct key_service;

/* A pair of files as a renewal writes it; io/key_pair.c has the real one. */
struct key_pair { /* borrowed */
    const char *key_path, *certificate_path; /* certificate_path NULL: one file holds both */
    struct span key, certificate;            /* PEM */
};
struct key_pair_files {
    /* Afterwards the files hold both, or what they held. After a crash, too, if finish is called for what is unfinished. */
    MUST_CHECK int (*write)(const struct key_pair *pair, struct err *err);
    /* The key was put in its place, and its certificate waits in this file; false: it does not. */
    bool (*is_unfinished)(const char *key_path, const char *certificate_path, char *waiting, size_t size);
    MUST_CHECK int (*finish)(const char *certificate_path, struct err *err);
};

struct key_service_order { /* copied; what it points to must outlive the service */
    struct file_source files;
    void *ctx;
    MUST_CHECK int (*become)(void *ctx, struct err *err); /* gives up the rights of the start */
    /* Packs what the Workload API gave, and may wait for its first answer. -1: out of memory. NULL: no such source is configured. */
    MUST_CHECK int (*workload)(void *ctx, bool wait, struct bytes *packed);
    int64_t (*now)(void); /* seconds since 1970, for certificates that a CA issues */
    /* Where several threads answer, else NULL: change keeps out other reads, own all others, share those that own. */
    void (*change)(void *ctx, bool begin);
    void (*own)(void *ctx, bool begin);
    void (*share)(void *ctx, bool begin);
    /* Takes the reference to a key in a token, and gives one that answers in time. NULL: it cannot. Without it the key itself is used. */
    struct tls_signing_key *(*apart)(struct tls_signing_key *key);
    const struct key_pair_files *pairs; /* NULL: no key is made and written */
};

struct key_service *key_service_new(const struct key_service_order *order); /* NULL: out of memory */
void key_service_free(struct key_service *s); /* wipes every key */

/* Appends the frame of the answer to a message (key_message.h). -1: no such message is ever sent, or memory ran out; the sender cannot be trusted. */
MUST_CHECK int key_service_answer(struct key_service *s, uint32_t number, struct span message, struct bytes *out);

#endif
