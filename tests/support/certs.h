/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates and revocation lists for tests, made with GnuTLS in memory and written out as real DER and
 * PEM, because objects that were never parsed behave differently. Many ways to be wrong; the defaults are
 * right. Aborts the test when something cannot be made.
 */
#ifndef MTLSD_TEST_CERTS_H
#define MTLSD_TEST_CERTS_H

#include "mtlsd/base/span.h"

#include <gnutls/x509.h>

enum certs_key { CERTS_P256, CERTS_P224, CERTS_P384, CERTS_P521, CERTS_ED25519, CERTS_RSA_2048, CERTS_RSA_1024 };

struct certs { /* one certificate with its key */
    gnutls_x509_crt_t crt;
    gnutls_x509_privkey_t key;
    struct span der; /* owned, as all that follows */
    struct span pem;
    struct span key_pem;
};

struct certs_order {
    const char *cn, *o, *ou, *second_ou;
    const char *dn;      /* RFC 4514 text instead of the four above */
    struct {
        const char *oid;
        struct span der; /* of the whole value */
    } parts[3];          /* of the subject, behind the others */
    const char *sans[8]; /* "dns:", "ip:", "uri:", "email:"; "" ends */
    struct span raw_san; /* DER of a whole GeneralNames instead */
    const char
        *ekus[4]; /* object identifiers; none: clientAuth and serverAuth for a leaf, nothing for a CA */
    bool no_eku;
    struct span raw_eku; /* DER of a whole extKeyUsage instead */
    bool ca;
    int path_length; /* 0: no limit; n: a limit of n - 1 */
    bool no_basic_constraints;
    unsigned usage; /* GNUTLS_KEY_*; 0: what fits */
    bool no_usage;
    const char *permitted[4], *excluded[4]; /* name constraints, spelled as SANs */
    struct span permitted_dn, excluded_dn;  /* DER of one Name, alone */
    const char *extension;                  /* object identifier of an extra extension */
    bool extension_critical;
    struct span policies; /* DER of a whole certificatePolicies */
    struct span extension_value; /* empty: a DER NULL */
    const struct certs *issuer;  /* NULL: signs itself */
    const struct certs *same_key_as;
    enum certs_key key;
    size_t
        signature_bytes; /* puts a signature of this length that nobody made in the place of the true one */
    size_t rsa_bytes,
        exponent_bytes; /* shows a made-up RSA key of these sizes; what it signs does not verify */
    gnutls_digest_algorithm_t digest; /* 0: SHA-256 */
    int64_t not_before, not_after;    /* 0: CERTS_NOW less a day, and a year after it */
    uint64_t serial;                  /* 0: a fresh one */
    unsigned version;                 /* 0: 3 */
    bool no_key_ids;
};

/* The time at which tests take place: 2026-01-15T12:00:00Z. */
#define CERTS_NOW INT64_C(1768478400)
#define CERTS_DAY INT64_C(86400)

/* What hostile input may cost (A7), in milliseconds of one core; sanitizers slow every allocation down. */
#ifdef __SANITIZE_ADDRESS__
#define CERTS_WORK_LIMIT_MS 1000
#else
#define CERTS_WORK_LIMIT_MS 100
#endif

void certs_make(const struct certs_order *order, struct certs *out);
void certs_clear(struct certs *c);

struct certs_crl_order {
    const struct certs *issuer;
    const uint64_t *serials;
    size_t n_serials;
    uint8_t number;                   /* 0: 1 */
    int64_t this_update, next_update; /* 0: a day before and a week after CERTS_NOW */
    const struct certs *signed_by;    /* another key than the issuer's */
    gnutls_digest_algorithm_t digest;
};
struct certs_crl {
    struct span der, pem; /* owned */
};
void certs_make_crl(const struct certs_crl_order *order, struct certs_crl *out);
void certs_crl_clear(struct certs_crl *c);

/* Pieces one after the other, on the heap. */
struct span certs_join(const struct span *pieces, size_t n);
void certs_free(struct span owned);

#endif
