/* SPDX-License-Identifier: Apache-2.0 */
/* `verify` by the trust and the rules of a configuration's listener. */
#ifndef MTLSD_CLI_VERIFY_LISTENER_H
#define MTLSD_CLI_VERIFY_LISTENER_H

#include "mtlsd/control/snapshot.h"
#include "verify_sheet.h"

/* Judges answer->chain and decides as this listener would at question.now. The answer borrows from the snapshot. -1 + err: the listener is not there,
 * or asks for no certificate. */
MUST_CHECK int verify_by_listener(const struct snapshot *s, const char *listener, struct verify_answer *answer, struct err *err);

/* Notes that no rule lets this valid certificate pass. */
void verify_not_allowed(struct verify_answer *answer, const char *why);

#endif
