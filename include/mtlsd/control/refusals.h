/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last refusals, to answer "why did that not work": equal refusals are one counted entry; the oldest is dropped
 * first. Shared by all workers. Adding takes a short lock, so only refusals are added, never a successful request.
 */
#ifndef MTLSD_CONTROL_REFUSALS_H
#define MTLSD_CONTROL_REFUSALS_H

#include "mtlsd/base/reasons.h"
#include "mtlsd/tls/tls_identity.h"
#include <stddef.h>
#include <stdint.h>

enum { REFUSALS_KEPT = 64 };

struct refusal {
    int64_t when, first; /* seconds since 1970: the last one like this, and the first */
    uint64_t count;      /* of them */
    enum reason reason;
    char listener[64];
    char upstream[64];       /* "" when it did not get that far */
    char peer_subject[256];  /* "" without a certificate */
    char detail[320];
    struct refusal_ours {    /* our own certificate, if it is what was refused; subject "": it is not */
        char subject[256], issuer[256], serial[68];
        int64_t not_after;
        char accepted_cas[300]; /* of the peer, if it named none of ours */
    } ours;
    const char *hint;        /* static; NULL: what the reason's row says */
};

struct refusals;

struct refusals *refusals_new(void); /* NULL: out of memory */
void refusals_free(struct refusals *r);

/* Borrowed for one call; NULL strings count as "". Long ones are cut. */
struct refusal_note {
    int64_t when;
    enum reason reason;
    const char *listener, *upstream, *peer_subject, *detail;
    const struct tls_identity_facts *ours; /* NULL: it was not our certificate */
    const char *accepted_cas;
    const char *hint; /* kept as it is: static or NULL */
};
void refusals_add(struct refusals *r, const struct refusal_note *note);

/* Copies the latest first into out (at most max) and returns the number. */
size_t refusals_copy(struct refusals *r, struct refusal *out, size_t max);

#endif
