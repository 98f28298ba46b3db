/* SPDX-License-Identifier: Apache-2.0 */
/* A small certificate authority for development, tests and drills: makes keys, certificates and CRLs in memory. Also certificates
 * that are wrong on purpose. Not for production CAs. */
#ifndef MTLSD_TLS_TLS_PKI_H
#define MTLSD_TLS_TLS_PKI_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"
#include "mtlsd/tls/tls_judge.h"

struct tls_pki_pair { /* PEM text, each owned */
    struct bytes certificate;
    struct bytes key;
};
void tls_pki_pair_clear(struct tls_pki_pair *pair); /* wipes the key */

/* The kinds of bad certificates, each with the status that a correct verification gives. */
enum tls_pki_bad {
    TLS_PKI_GOOD,
    TLS_PKI_EXPIRED,       /* expired */
    TLS_PKI_NOT_YET_VALID, /* not_yet_valid */
    TLS_PKI_WRONG_PURPOSE, /* wrong_purpose */
    TLS_PKI_NO_PURPOSE,    /* wrong_purpose: extendedKeyUsage absent of both client and server (codeSigning only) */
    TLS_PKI_ANY_PURPOSE,   /* wrong_purpose: anyExtendedKeyUsage only */
    TLS_PKI_SELF_SIGNED,   /* unknown_ca */
    TLS_PKI_UNKNOWN_CA,    /* unknown_ca: a CA with the same name but another key */
    TLS_PKI_WEAK,          /* weak: RSA 1024 */
    TLS_PKI_SHA1,          /* weak: signed with SHA-1 */
    TLS_PKI_NO_SAN,        /* name_mismatch as a server */
    TLS_PKI_IS_CA,         /* a leaf with CA:TRUE; judged constraint */
    TLS_PKI_BAD_COUNT
};
const char *tls_pki_bad_word(enum tls_pki_bad bad); /* "good", "expired", "wrong-purpose", ... */
enum reason tls_pki_bad_status(enum tls_pki_bad bad); /* the correct status; no-san: only if a name is expected */
/* The kind a word names; TLS_PKI_BAD_COUNT when there is no such word. */
enum tls_pki_bad tls_pki_bad_find(const char *word);

struct tls_pki_order {
    const char *cn, *ou, *o;
    const char *const *sans; /* "dns:a.example", "ip:127.0.0.1", "uri:spiffe://x/y", "email:a@b" */
    size_t n_sans;
    enum tls_purpose purpose;
    bool both_purposes; /* a gateway's certificate: client and server */
    int64_t not_before, not_after; /* "expired" ends before not_before, "not-yet-valid" begins after not_after */
    enum tls_pki_bad bad;
};

/* The dates that a certificate so ordered gets. */
void tls_pki_dates(const struct tls_pki_order *order, int64_t *not_before, int64_t *not_after);

struct tls_pki_ca {
    const char *cn;
    const char *const *only; /* DNS names: a critical constraint to these and the names below them, without addresses, and no CA below; NULL: any */
    size_t n_only;
    int64_t not_before, not_after;
};
MUST_CHECK int tls_pki_make_ca(const struct tls_pki_ca *order, struct tls_pki_pair *out, struct err *err);
MUST_CHECK int tls_pki_new_ca(const char *cn, int64_t not_before, int64_t not_after, struct tls_pki_pair *out, struct err *err);
/* ERR_USAGE when a SAN is not understood. out->certificate holds the leaf only. serial: positive, unique per CA. */
MUST_CHECK int tls_pki_issue(struct span ca_cert, struct span ca_key, const struct tls_pki_order *order, uint64_t serial,
                             struct tls_pki_pair *out, struct err *err);
struct tls_pki_revoked { uint64_t serial; int64_t when; };
MUST_CHECK int tls_pki_make_crl(struct span ca_cert, struct span ca_key, const struct tls_pki_revoked *revoked, size_t n, uint64_t number,
                                int64_t this_update, int64_t next_update, struct bytes *out, struct err *err);

#endif
