/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last refusals, for people who ask "why did that not work": one entry for all that are the same, counted; the one that happened longest ago
 * is forgotten first. Shared by all workers; adding takes a
 * short lock, which is why only refusals go in and never a request that went well.
 */
#ifndef MTLSD_CONTROL_REFUSALS_H
#define MTLSD_CONTROL_REFUSALS_H

#include "mtlsd/base/reasons.h"
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
    const char *hint;        /* static; NULL: what the reason's row says */
};

struct refusals;

struct refusals *refusals_new(void); /* NULL: out of memory */
void refusals_free(struct refusals *r);

/* What a caller borrows for one call; NULL strings are taken as "". Too long ones are cut. */
struct refusal_note {
    int64_t when;
    enum reason reason;
    const char *listener, *upstream, *peer_subject, *detail;
    const char *hint; /* kept as it is: static or NULL */
};
void refusals_add(struct refusals *r, const struct refusal_note *note);

/* Copies the one that happened last first into out (at most max) and says how many. */
size_t refusals_copy(struct refusals *r, struct refusal *out, size_t max);

#endif
