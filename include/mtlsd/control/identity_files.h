/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the files of one identity and makes its key. This runs in the process that holds keys, by default another one than that of connections:
 * everything in the result but the key itself may leave it, so that text has no private keys in it.
 */
#ifndef MTLSD_CONTROL_IDENTITY_FILES_H
#define MTLSD_CONTROL_IDENTITY_FILES_H

#include "mtlsd/control/snapshot.h"
#include "mtlsd/tls/tls_signing_key.h"

struct identity_order { /* borrowed */
    const char *name;        /* for messages */
    const char *key;         /* paths, or pkcs11: URIs; the key's is that of a bundle and of PKCS#12 too */
    const char *certificate; /* NULL: it is in the file of the key */
    const char *chain;       /* NULL: none */
    const char *passphrase;  /* the file of it, or of a PIN; NULL: none */
    bool pkcs12;             /* key is PKCS#12; the text of its chain is made of it */
    const char *hosts;       /* key and certificate are those of a CA that issues for these, one a line (tls_issuer.h); NULL: they are of an identity */
    int64_t now;             /* with hosts; a process that reads for another one takes its own time */
};

struct identity_file {
    bool failed;  /* err has the words */
    bool empty;
    bool has_key; /* a private key was in it, intended or by mistake */
    struct file_facts facts;
    struct err err;
    struct bytes text; /* of certificates; of a file with a key alone it is not kept */
};

struct identity_files {
    struct identity_file key, certificate, chain, passphrase;
    struct tls_signing_key *signing_key; /* counted; of the certificates that a CA issues; NULL: fault, or a file failed */
    uint8_t ca_id[TLS_KEY_ID]; /* with hosts: of the key of the CA, which stays where it was read */
    struct err fault;
};

/* Where identities are read, if not in this process. A set holds the keys of one snapshot: they go when it has ended and no key is in use any more. */
struct identity_source {
    void *ctx;
    struct identity_set *(*begin)(void *ctx); /* NULL: out of memory */
    /* 0, or -1 + err: the answer did not come. The caller clears *out after success. */
    MUST_CHECK int (*read)(struct identity_set *set, const struct identity_order *order, struct identity_files *out, struct err *err);
    void (*end)(struct identity_set *set); /* no more will be read for it */
};

/* Fills *out, which the caller clears. */
void identity_files_read(const struct file_source *files, const struct identity_order *order, struct tls_key_memory *memory, struct identity_files *out);
void identity_files_clear(struct identity_files *f);

#endif
