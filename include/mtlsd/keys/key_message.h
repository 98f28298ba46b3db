/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the process of connections to the process of keys, each with one answer. A frame is its length in four bytes, then
 * a number that the answer repeats, then the message. Numbers are big-endian. Reading takes every byte for hostile; a message must be used up.
 */
#ifndef MTLSD_KEYS_KEY_MESSAGE_H
#define MTLSD_KEYS_KEY_MESSAGE_H

#include "mtlsd/control/identity_files.h"

enum {
    KEY_HEAD_BYTES = 8,
    KEY_REQUEST_MAX = 512 * 1024,     /* all messages of a handshake of TLS 1.2 */
    KEY_CERTIFICATE_MAX = 64 * 1024,  /* one that is issued, as PEM */
    KEY_ANSWER_MAX = 64 * 1024 * 1024 /* files of certificates */
};

enum key_request_kind {
    KEY_SIGN = 1, /* with one key */
    KEY_READ,     /* the files of one identity, into a set */
    KEY_RELEASE,  /* a set with all its keys */
    KEY_BECOME,   /* the configured user, once and for good */
    KEY_WORKLOAD, /* what the SPIFFE Workload API gave, without keys */
    KEY_READ_CA,  /* the files of a CA that issues for hosts, into a set; the key of the answer is that of its certificates */
    KEY_ISSUE,    /* a certificate of such a key, for one host; it is the certificate of the answer's files */
    KEY_DROP,     /* one key of a set, which nothing uses any more */
    KEY_RENEW,    /* makes a key for the identity in these files, into a set, and asks for a certificate for it */
    KEY_WRITE,    /* that key, and the certificate for it, into these files */
};

struct key_request { /* borrows from the message */
    enum key_request_kind kind;
    uint64_t key;             /* KEY_SIGN, KEY_ISSUE, KEY_DROP, KEY_WRITE */
    struct tls_signing what;
    uint32_t set;             /* KEY_READ, KEY_READ_CA, KEY_RELEASE, KEY_RENEW */
    struct span hosts;        /* KEY_READ_CA, one a line; KEY_ISSUE, one alone */
    struct span name, key_path, certificate_path, chain_path, passphrase_path; /* KEY_READ, KEY_READ_CA, KEY_RENEW; an empty path: none */
    struct span certificate;  /* KEY_WRITE: the chain, PEM */
    bool pkcs12;
    bool wait;                  /* KEY_WORKLOAD: for the first answer of the agent */
};

struct key_answer {
    bool fine;
    struct err err;             /* if not */
    uint64_t refused;           /* requests so far that only a process that is taken over sends */
    struct tls_signature signature; /* to KEY_SIGN */
    uint64_t key;               /* to KEY_READ: the number of the key, */
    bool has_key;
    struct tls_signing_key_facts facts; /* and what may be known of it */
    bool unlocked;              /* it may be written to swap */
    struct span workload;       /* to KEY_WORKLOAD: packed (control/workload.h); borrowed, when read from the message */
};

/* A whole frame at the beginning of the bytes. 1: it is there, with its number and message; 0: more bytes are needed; -1: it is longer than most. */
int key_message_frame(struct span bytes, size_t most, uint32_t *number, struct span *message, size_t *used);

/* Append a frame. -1: out of memory, or too long; then *out is of no use. */
MUST_CHECK int key_message_request(struct bytes *out, uint32_t number, const struct key_request *request);
/* files: NULL, or what was read, to KEY_READ, KEY_READ_CA and KEY_ISSUE; to KEY_RENEW the text of its key is the request, in DER. */
MUST_CHECK int key_message_answer(struct bytes *out, uint32_t number, const struct key_answer *answer, const struct identity_files *files);

/* -1: the message is not well-formed. */
MUST_CHECK int key_message_read_request(struct span message, struct key_request *out);
/* An answer with files is refused where files is NULL. One that is not fine has none. The caller clears *files also on failure. */
MUST_CHECK int key_message_read_answer(struct span message, struct key_answer *out, struct identity_files *files);

#endif
