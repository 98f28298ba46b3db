/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an OCSP answer (RFC 6960 section 4.2.1). Borrows the DER. Only the form is checked: who signed it, and whether it is of this time, is
 * for tls_checks_staple.c. A critical extension makes it unreadable, because none is understood here.
 */
#ifndef MTLSD_TLS_TLS_OCSP_H
#define MTLSD_TLS_TLS_OCSP_H

#include "tls_cert.h"

struct tls_ocsp_parsed {
    bool successful;       /* false: the responder gave no answer (tryLater, unauthorized), and nothing else is set */
    struct span tbs;       /* what is signed */
    struct span algorithm; /* content of the AlgorithmIdentifier */
    struct span signature;
    struct span entries; /* content of the SEQUENCE OF SingleResponse */
    struct span certs;   /* content of the SEQUENCE OF Certificate; empty: there are none */
};
/* -1: not well-formed, or not a basic answer. */
MUST_CHECK int tls_ocsp_parse(struct span der, struct tls_ocsp_parsed *out);

/* The higher one counts if an answer has several about one certificate. */
enum tls_ocsp_status { TLS_OCSP_GOOD, TLS_OCSP_UNKNOWN, TLS_OCSP_REVOKED };

struct tls_ocsp_entry {
    struct span hash; /* content of the OID of the hash that names the issuer */
    struct span issuer_name_hash, issuer_key_hash;
    struct span serial; /* without leading zeros */
    enum tls_ocsp_status status;
    int64_t revoked_at; /* TLS_OCSP_REVOKED only */
    int64_t this_update, next_update; /* next_update 0: it has none */
};
/* Takes one entry off *rest. -1: not well-formed. */
MUST_CHECK int tls_ocsp_next_entry(struct span *rest, struct tls_ocsp_entry *out);

/* Whether the entry is about this certificate of this issuer. SHA-1 is accepted here: it only names the issuer, as nearly all responders do. */
bool tls_ocsp_is_about(const struct tls_ocsp_entry *entry, const struct tls_cert *cert, const struct tls_cert *issuer);

/* The bits of a key alone, without algorithm and count of unused bits (RFC 6960 4.1.1), of a SubjectPublicKeyInfo. Empty: it is none. */
struct span tls_ocsp_key_bits(struct span spki);

#endif
