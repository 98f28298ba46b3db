/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private key that signs handshakes. Either its bytes are in this process, or another process has them and signs when it is asked: the two look the
 * same to an identity. tls_signing_key_read is the one place that makes a key from a configured source; it runs in the process that holds the key.
 * Shared by reference count, for any thread.
 */
#ifndef MTLSD_TLS_TLS_SIGNING_KEY_H
#define MTLSD_TLS_TLS_SIGNING_KEY_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"
#include "mtlsd/tls/tls_trust.h"
#include <stdbool.h>

struct tls_key_memory;
struct tls_signing_key;

enum { TLS_KEY_ID = 32, TLS_SIGNATURE_MAX = 1024 /* of RSA 8192 */ };

struct tls_key_source { /* borrowed */
    const char *identity; /* as configured, for messages */
    struct span text;     /* of the file: PEM; other blocks than keys are skipped */
    const char *file;     /* for messages; or the pkcs11: URI of the key, without text */
    bool bundle;          /* the chain is in the same file */
    struct tls_file passphrase; /* the file with that of an encrypted key, or with a PIN; name NULL: none is configured */
    bool pkcs12;          /* text is PKCS#12 */
    struct bytes *chain;  /* with pkcs12: gets its chain as PEM, the leaf first, without the root */
};

/* These may leave the process that holds the key. */
struct tls_signing_key_facts {
    int algorithm; /* the library's number */
    unsigned bits;
    size_t line;    /* where it begins in its file */
    bool torn;      /* its public half is that of another key */
    uint8_t public_id[TLS_KEY_ID]; /* SHA-256 of the public key, as a certificate has it */
};

struct tls_signing { /* one order to sign; borrowed */
    int algorithm; /* the library's number of the signature algorithm */
    bool hashed;   /* input is a hash, for RSA with PKCS #1 in its DigestInfo; else the data itself */
    struct span input;
};

struct tls_signature {
    uint8_t bytes[TLS_SIGNATURE_MAX];
    size_t n;
};

/* Whether TLS signs such a thing. Fixed text that says why not; NULL: it does. The library hands over data of Ed25519 and Ed448 keys, which must be the
 * content of a handshake; of other keys only its hash, which could be that of anything, in each version of TLS (GnuTLS 3.7.9 and 3.8.9). */
const char *tls_signing_refusal(const struct tls_signing *what);

enum { TLS_SIGNING_LATE = -2 }; /* the token did not answer in time */

/* The way to the process that holds a key. */
struct tls_signer {
    void *ctx;
    MUST_CHECK int (*sign)(void *ctx, uint64_t id, const struct tls_signing *what, struct tls_signature *out); /* 0, -1: there is no signature, or late */
    /* NULL, or of a key that an issuer made: as tls_signing_key_issue, by the clock of that process. */
    MUST_CHECK int (*issue)(void *ctx, uint64_t id, struct span host, struct bytes *pem, struct err *err);
    void (*end)(void *ctx, uint64_t id); /* once, when the key is no longer used */
};

/* With memory NULL the key gets memory of its own. NULL + err. */
struct tls_signing_key *tls_signing_key_read(const struct tls_key_source *source, struct tls_key_memory *memory, struct err *err);
/* A key that another process has under this number. Calls signer->end also on failure. NULL: out of memory. */
struct tls_signing_key *tls_signing_key_of(const struct tls_signer *signer, uint64_t id, const struct tls_signing_key_facts *facts);
struct tls_signing_key *tls_signing_key_ref(struct tls_signing_key *key);
void tls_signing_key_unref(struct tls_signing_key *key); /* the last one wipes; NULL is fine */

const struct tls_signing_key_facts *tls_signing_key_facts(const struct tls_signing_key *key);
/* 0, -1: the key cannot sign this, or TLS_SIGNING_LATE. */
MUST_CHECK int tls_signing_key_sign(const struct tls_signing_key *key, const struct tls_signing *what, struct tls_signature *out);

/* Appends a certificate of this key for a host, as PEM, for a key that tls_issuer_read gave. ERR_PROTOCOL: it issues for no such host. */
MUST_CHECK int tls_signing_key_issue(const struct tls_signing_key *key, struct span host, int64_t now, struct bytes *pem, struct err *err);

/* Overwrites with spaces what is not in whole blocks of certificates. Marks and lines stay where they are, and so does the head of a file that is no PEM,
 * so that a reader finds the same fault in the same place. */
void tls_signing_key_blank(uint8_t *text, size_t n);

#endif
