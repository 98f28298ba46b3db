/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An identity: the certificate chain plus private key that we present. Immutable once made, shared by reference count. Key bytes
 * never leave this room and are wiped. It reads no files: the caller hands over PEM text and the names to use in messages. The key may be
 * in another process.
 */
#ifndef MTLSD_TLS_TLS_IDENTITY_H
#define MTLSD_TLS_TLS_IDENTITY_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/findings.h"
#include "mtlsd/base/span.h"
#include <stdbool.h>

struct tls_identity;
struct tls_key_memory;
struct tls_signing_key;

struct tls_identity_spec {
    const char *name;             /* as configured, for messages */
    struct span certificate;      /* PEM: leaf and intermediates, any order; a bundle has the key in it too */
    const char *certificate_file; /* for messages */
    struct span key;              /* PEM; the same span as certificate for a bundle */
    const char *key_file;
    bool unchecked; /* for drills: present these certificates in this order, with any key */
    struct tls_key_memory *key_memory; /* for the key; NULL: it gets memory of its own */
    struct span chain;            /* PEM: intermediates beside those in certificate; with chain_file only */
    const char *chain_file;       /* NULL: none */
    struct tls_signing_key *signing_key; /* the key, read already; the identity takes a reference of its own */
    const struct err *key_fault;  /* or why it could not be read; with neither it is read from key */
};

/* Loads a chain and its key. The order of the chain is repaired and reported as a note; a chain that does not lead on
 * from the leaf is a fault. Every PEM block must parse: a damaged file is refused with
 * the line of the bad block. The key must match the leaf. An expired leaf is a warning at load ("now" is seconds since 1970). NULL + err. */
struct tls_identity *tls_identity_new(const struct tls_identity_spec *spec, int64_t now, struct findings *notes, struct err *err);
struct tls_identity *tls_identity_ref(struct tls_identity *id);
void tls_identity_unref(struct tls_identity *id);

/* From now on it is not presented: handshakes that would do so fail, and connections that show it end. For good; from any thread. */
void tls_identity_withdraw(struct tls_identity *id);
bool tls_identity_is_withdrawn(const struct tls_identity *id);

struct tls_identity_facts { /* borrowed from the identity */
    const char *name, *subject, *issuer, *key_kind /* "ECDSA P-256", "RSA 3072", "Ed25519" */, *serial /* hex */;
    char sha256[65];
    int64_t not_before, not_after;
    size_t chain_length;
    bool named_as_ca; /* the leaf has its issuer's name and no key identifiers: OpenSSL takes it for self-signed */
};
void tls_identity_facts(const struct tls_identity *id, struct tls_identity_facts *out);
struct tls_identity_link { /* one certificate of the chain */
    char subject[160];
    int64_t not_before, not_after;
};
/* The i-th as sent; false past the end. */
bool tls_identity_link(const struct tls_identity *id, size_t i, struct tls_identity_link *out);
struct tls_identity_algorithms { /* of the leaf, as OpenSSL spells them; fixed texts and borrowed ones; NULL: it has no name there, or we know none */
    const char *key;       /* "EC256", "RSA2048" */
    const char *signature; /* "RSA-SHA256" */
};
void tls_identity_algorithms(const struct tls_identity *id, struct tls_identity_algorithms *out);
/* DER of the i-th certificate as sent; empty past the end. Borrowed. */
struct span tls_identity_der(const struct tls_identity *id, size_t i);

#endif
