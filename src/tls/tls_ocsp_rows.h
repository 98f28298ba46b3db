/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's view of the store of OCSP answers: what is known of one caller's certificate, and a question when nothing is. */
#ifndef MTLSD_TLS_TLS_OCSP_ROWS_H
#define MTLSD_TLS_TLS_OCSP_ROWS_H

#include "tls_ocsp_order.h"

struct tls_ocsp_answer { /* counted and immutable */
    atomic_uint refs;
    int64_t end; /* the last second at which it counts */
    size_t len;
    uint8_t der[];
};
void tls_ocsp_answer_unref(struct tls_ocsp_answer *a);

enum tls_ocsp_state { TLS_OCSP_UNASKED, TLS_OCSP_AWAITED, TLS_OCSP_NO_ANSWER, TLS_OCSP_ANSWERED };

struct tls_ocsp_look {
    enum tls_ocsp_state state;
    uint64_t host_hash;             /* of the responder, while it is awaited */
    bool stale;                     /* TLS_OCSP_ANSWERED, but asked by a configuration of before: tls_ocsp_store_ask takes the new one over */
    bool failed_before;             /* while it is awaited: the question before got no answer */
    struct tls_ocsp_answer *answer; /* counted; TLS_OCSP_ANSWERED */
    char fault[TLS_OCSP_FAULT_SIZE]; /* TLS_OCSP_NO_ANSWER */
};
void tls_ocsp_store_find(struct tls_ocsp_store *s, const uint8_t id[TLS_OCSP_ID_BYTES], int64_t now, struct tls_ocsp_look *out);
/* Asks, if nothing is known: then the answer is awaited, or there is none and out->fault says why. */
void tls_ocsp_store_ask(struct tls_ocsp_store *s, const struct tls_ocsp_about *about, const uint8_t id[TLS_OCSP_ID_BYTES], int64_t now,
                        struct tls_ocsp_look *out);

/* While a connection holds its row, the answer is fetched again before it ends. NULL: there is no row. */
struct tls_ocsp_row;
struct tls_ocsp_row *tls_ocsp_store_hold(struct tls_ocsp_store *s, const uint8_t id[TLS_OCSP_ID_BYTES]);
void tls_ocsp_row_release(struct tls_ocsp_row *row);

#endif
