/* SPDX-License-Identifier: Apache-2.0 */
/* A question about one certificate: to whom, in which bytes, and whether an answer is one to it. */
#ifndef MTLSD_TLS_TLS_OCSP_ORDER_H
#define MTLSD_TLS_TLS_OCSP_ORDER_H

#include "mtlsd/tls/tls_ocsp_store.h"
#include "tls_ocsp.h"

#include <stdatomic.h>

enum { TLS_OCSP_ID_BYTES = 32 }; /* SHA-256 of the certificate */

struct tls_ocsp_order {
    atomic_uint refs;
    uint8_t id[TLS_OCSP_ID_BYTES];
    struct tls_ocsp_question question;
    struct span leaf, issuer; /* certificates, DER */
    uint64_t host_hash;
    uint8_t request[TLS_OCSP_REQUEST_BYTES];
    char host[80];
    uint8_t bytes[]; /* the certificates, and the address */
};

struct tls_ocsp_about { /* borrowed */
    const struct tls_ocsp_rules *rules;
    struct span leaf, issuer;
};
/* NULL, and why: the certificate names no responder, or one that must not be asked. */
struct tls_ocsp_order *tls_ocsp_order_new(const struct tls_ocsp_about *about, char fault[TLS_OCSP_FAULT_SIZE]);
struct tls_ocsp_order *tls_ocsp_order_ref(struct tls_ocsp_order *o);

/* NULL: the answer counts, and *entry says what it says (good or revoked). Else why it does not: fixed text. */
const char *tls_ocsp_order_check(const struct tls_ocsp_order *o, struct span answer, int64_t now, struct tls_ocsp_entry *entry);

#endif
