/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP answers for tests, right and wrong, which GnuTLS can read but not make. Aborts the test when one cannot be made. */
#ifndef MTLSD_TEST_OCSP_MAKER_H
#define MTLSD_TEST_OCSP_MAKER_H

#include "certs.h"

enum ocsp_status { OCSP_GOOD, OCSP_REVOKED, OCSP_UNKNOWN };

struct ocsp_order {
    const struct certs *cert, *issuer; /* whom it is about */
    const struct certs *signer;        /* NULL: the issuer */
    const struct certs *sent[6];       /* certificates in the answer */
    enum ocsp_status status, second;   /* second: with two */
    unsigned copies;                   /* of the entry; 0: 1 */
    bool two;                          /* another entry about the same certificate */
    bool sha1_signature, sha256_id, by_name, version, critical, critical_in_entry, with_reason;
    uint8_t refusal;                   /* responseStatus; 0: successful */
    int64_t this_update;               /* 0: an hour before CERTS_NOW */
    int64_t next_update;               /* 0: a week after CERTS_NOW */
    bool no_next_update;
};

/* The time in an answer that says "revoked": 2026-01-10T08:00:00Z. */
#define OCSP_REVOKED_AT INT64_C(1768032000)

struct span ocsp_make(const struct ocsp_order *order); /* for certs_free */

#endif
