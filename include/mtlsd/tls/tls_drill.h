/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix of client certificates that a drill offers: a good one, and one for each way to be wrong, made from the key of a CA. */
#ifndef MTLSD_TLS_TLS_DRILL_H
#define MTLSD_TLS_TLS_DRILL_H

#include "mtlsd/base/reasons.h"
#include "mtlsd/tls/tls_identity.h"
#include "mtlsd/tls/tls_pki.h"

struct tls_drill_kind {
    const char *word; /* "expired-intermediate" */
    const char *what; /* for people */
    enum reason expected; /* the correct status; REASON_TLS_FAILED: the proof of possession is wrong */
    bool may_go_either_way; /* a listener may want a revocation list of every issuer, and has none of an intermediate made today */
};
const struct tls_drill_kind *tls_drill_kind(size_t i); /* NULL past the last */

struct tls_drill_order {
    struct span ca_cert, ca_key;  /* PEM */
    const char *cn, *ou, *o;
    const char *const *sans;      /* as in tls_pki_order */
    size_t n_sans;
    int64_t now;
};

/* The identity of the i-th kind; *none is set where the kind is to show no certificate, and NULL is given. NULL + err. The identity presents what
 * no other way would make it present: for drills only. */
struct tls_identity *tls_drill_make(size_t i, const struct tls_drill_order *order, bool *none, struct err *err);

#endif
