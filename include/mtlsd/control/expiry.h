/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to log that a certificate that we present, or a CA or revocation list that we verify with, expires. This is 30, 14, 7, 3 days and a day before
 * the end, at the end, and once a day after it. Short-lived ones are renewed shortly before they end: only days in the last third of a life count.
 * Pure: the moments are arguments. Only the time of the last question is remembered, by the caller.
 */
#ifndef MTLSD_CONTROL_EXPIRY_H
#define MTLSD_CONTROL_EXPIRY_H

#include "mtlsd/control/snapshot.h"

/* A moment to say it lies after since and not after now. All in seconds since 1970. */
bool expiry_speaks(int64_t from, int64_t until, int64_t since, int64_t now);
/* One of the days before the end has come, and the end has not. */
bool expiry_is_near(int64_t from, int64_t until, int64_t now);

/* A finding for each end that is near or past: a warning before it, an error after it. The CAs of "system" are left out: the administrator does
 * not renew them. */
void expiry_review(const struct snapshot *s, int64_t since, int64_t now, struct findings *out);
/* A warning for each whose end is near; what has ended was found while it was loaded. */
void expiry_at_load(const struct snapshot *s, int64_t now, struct findings *out);

/* For a reload. -1 + err: it would put a certificate that is out of its dates in the place of one of the same identity that is good now. Where both are,
 * or the identity is new, it is allowed. */
MUST_CHECK int expiry_check_succession(const struct snapshot *next, const struct snapshot *old, int64_t now, struct err *err);

#endif
