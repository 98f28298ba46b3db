/* SPDX-License-Identifier: Apache-2.0 */
/* Tries new identities out before they go live: a real handshake with each upstream that would be shown one. Blocking; for a thread of its own. */
#ifndef MTLSD_IO_CANARY_H
#define MTLSD_IO_CANARY_H

#include "mtlsd/control/fallback.h"

/*
 * An error in out for each upstream that refuses a new certificate while the one in use is still good. An upstream that cannot be reached says nothing
 * about a certificate, and is a warning; so is an upstream that there was no time for, and one that refuses the certificate in use (of the snapshot old),
 * too, as an app may that answers 400 to a HEAD. Names the identities, certificates and upstreams.
 */
void canary_try(const struct rotation *rotation, const struct snapshot *old, const struct snapshot *next, struct findings *out);

/* One handshake with this target of the snapshot, named as written; what came of it is in text. REASON_UNDECIDED: there is no such target. */
enum { CANARY_TEXT_SIZE = 640 };
enum reason canary_try_target(const struct snapshot *next, const char *upstream, const char *target, char text[CANARY_TEXT_SIZE]);
/* The same, for what this certificate is answered: REASON_UNDECIDED also if another one was presented. */
enum reason canary_try_ours(const struct snapshot *next, const struct fallback_refusal *hint, char text[CANARY_TEXT_SIZE]);

#endif
