/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When certificates are renewed: a part of their life before the end, a little later for some than for others, and again after failures, less and less
 * often. Pure: the moments and the random numbers are arguments. All of it belongs to one thread.
 */
#ifndef MTLSD_CONTROL_RENEWAL_H
#define MTLSD_CONTROL_RENEWAL_H

#include "mtlsd/control/snapshot.h"

enum { RENEWAL_ERROR_SIZE = 500 };

struct renewal_item {
    char *identity; /* owned, as url */
    char *url;
    char sha256[65]; /* of the certificate in use */
    int64_t not_before, not_after, before_s;
    int64_t due;      /* 0: never */
    bool ended;       /* it has expired: no CA renews it by itself any more */
    bool asked;       /* by a person */
    unsigned failures; /* of this certificate, one after the other */
    int64_t last;     /* when an attempt ended; 0: none did */
    uint64_t renewed, failed; /* since the start */
    char error[RENEWAL_ERROR_SIZE]; /* of the last attempt; "": it went well */
};

struct renewal {
    struct renewal_item *items; /* owned */
    size_t n;
};

void renewal_clear(struct renewal *r);
/* The identities of this snapshot that mtlsd renews. What is known of one stays; another certificate has a moment of its own. -1: out of memory; all stays
 * as it was. */
MUST_CHECK int renewal_follow(struct renewal *r, const struct snapshot *s, int64_t now, uint64_t random);
struct renewal_item *renewal_find(const struct renewal *r, const char *identity); /* NULL: none */
/* A person wants it renewed as soon as possible. False: there is no such identity with renew. r NULL: nothing is renewed. */
bool renewal_ask(struct renewal *r, struct span identity);
/* The one to renew now. NULL: none. One that has expired is marked as ended, once: *ended gets it, or NULL. */
struct renewal_item *renewal_next(struct renewal *r, int64_t now, struct renewal_item **ended);

/* The attempt has ended. */
void renewal_done(struct renewal_item *item, int64_t now);
void renewal_failed(struct renewal_item *item, const char *why, int64_t now, uint64_t random);
/* The CA has to be asked again after this time, for the same request. */
void renewal_wait(struct renewal_item *item, const char *why, unsigned after_s, int64_t now);

#endif
