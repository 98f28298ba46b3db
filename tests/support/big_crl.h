/* SPDX-License-Identifier: Apache-2.0 */
/* A revocation list of any length, written straight into DER: GnuTLS takes minutes for what takes a second here. */
#ifndef MTLSD_TEST_BIG_CRL_H
#define MTLSD_TEST_BIG_CRL_H

#include "certs.h"

struct big_crl_order {
    const struct certs *issuer; /* P-256 or Ed25519 */
    size_t n;                   /* entries, their serials 20 bytes long */
    struct span also;           /* one more serial, big-endian and positive; may be empty */
    uint8_t number;             /* 0: 1 */
};
/* DER, for certs_free. Of a day before CERTS_NOW, good for a week after it. */
struct span big_crl_make(const struct big_crl_order *order);

/* The i-th serial, the same in every list. */
void big_crl_serial(size_t i, uint8_t serial[20]);

#endif
