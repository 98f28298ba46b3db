/* SPDX-License-Identifier: Apache-2.0 */
/* The meaning of each reason to peers and people: one row per reason. The code compiles only if every column of a new row is filled. */
#ifndef MTLSD_POLICY_REASON_H
#define MTLSD_POLICY_REASON_H

#include "mtlsd/base/log.h"
#include "mtlsd/base/err.h"
#include "mtlsd/base/reasons.h"

#include <stdbool.h>

struct reason_row {
    enum reason reason;    /* the row's own key: rows stand in the order of the enum */
    const char *word;      /* "unknown_ca" */
    int openssl_error;     /* X509_V_ERR number of a certificate status, -1 where there is none */
    int alert;             /* TLS alert we send, -1: none */
    unsigned http_status;  /* the HTTP status for the client; 0: none is sent */
    enum log_level level;
    const char *title;     /* short, for people */
    const char *hint;      /* what to do */
};

const struct reason_row *reason_row(enum reason reason); /* never NULL */
const char *reason_word(enum reason reason);
/* What to do. A server certificate without any name has another hint than one with wrong names. peer may be NULL. */
struct tls_peer;
const char *reason_hint(enum reason reason, const struct tls_peer *peer);
/* The words for a verdict and all that was found beside it (bits 1 << enum reason), the verdict's first: "expired,wrong_purpose". */
enum { REASON_WORDS_SIZE = 256 };
void reason_words(enum reason status, uint64_t all, char out[REASON_WORDS_SIZE]);
/* nginx and Apache answer so where they refuse a certificate, and apps for other reasons. */
bool reason_may_be_refusal(unsigned http_status);
const char *reason_http_phrase(unsigned status); /* "Bad Gateway" */

/* Writes why into err, which keeps the first. Gives reason. */
enum reason reason_refuse(struct err *err, enum reason reason, const char *why);

#endif
