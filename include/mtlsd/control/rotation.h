/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which identities a reload replaces by another certificate, and what is to be said about them before it counts: what the new one lacks, and what is
 * different. Pure. Whether upstreams accept it is tried by io/canary.c.
 */
#ifndef MTLSD_CONTROL_ROTATION_H
#define MTLSD_CONTROL_ROTATION_H

#include "mtlsd/control/snapshot.h"

struct rotation_change { /* all borrowed from the two snapshots */
    const struct config_identity *conf; /* of the new one */
    const struct tls_identity *old, *fresh;
};

struct rotation {
    struct rotation_change *items; /* owned */
    size_t n;
};

/* Identities of the same name with another certificate. -1: out of memory. */
MUST_CHECK int rotation_compare(const struct snapshot *old, const struct snapshot *next, struct rotation *out);
void rotation_clear(struct rotation *r);

/* The first change of an identity that this upstream may present; NULL: there is none. */
const struct rotation_change *rotation_of(const struct rotation *r, const struct plan_upstream *upstream);
/* The change by which this certificate came; NULL: it is not new. */
const struct rotation_change *rotation_by(const struct rotation *r, const struct tls_identity *fresh);
/* Takes the change out by which this certificate came; false: there is none. */
bool rotation_remove(struct rotation *r, const struct tls_identity *fresh);
/* The certificate in use is good at this time: a worse one must not take its place. */
bool rotation_keeps(const struct rotation_change *change, int64_t now);

/* An error for each new certificate that does not allow the use that the one before it allows, while that is good. A warning for what peers may
 * notice: another issuer, subject, names or kind of key, or an earlier end. A note for each change. */
void rotation_review(const struct rotation *r, const struct snapshot *next, int64_t now, struct findings *out);

/* How often the certificate of each identity was replaced, or was to be and stayed. */
struct rotation_counts;
struct rotation_count { /* all 0 for an identity that never changed */
    uint64_t used, refused;
    uint64_t fallback; /* of those that were used: an upstream refused it, and the one before took its place */
};
struct rotation_counts *rotation_counts_new(void); /* NULL: out of memory */
void rotation_counts_free(struct rotation_counts *counts);
void rotation_counts_add(struct rotation_counts *counts, const struct rotation *r, bool used);
void rotation_counts_add_fallback(struct rotation_counts *counts, const char *identity);
/* counts NULL: nothing was counted. */
struct rotation_count rotation_counts_of(const struct rotation_counts *counts, const char *identity);

#endif
