/* SPDX-License-Identifier: Apache-2.0 */
/* `verify` by the trust and the rules of a configuration's listener. */
#ifndef MTLSD_CLI_VERIFY_LISTENER_H
#define MTLSD_CLI_VERIFY_LISTENER_H

#include "mtlsd/control/snapshot.h"
#include "mtlsd/tls/tls_chain.h"
#include "verify_sheet.h"

/* One judgement: what was asked, and what came out.. */
struct verify_answer {
    struct tls_question question;
    struct tls_verdict verdict;
    struct tls_details details;
    struct verify_sheet sheet;
};

/* Judges and decides as this listener would at question.now. The answer borrows from the snapshot and the chain. -1 + err: the listener is not there,
 * or asks for no certificate. */
MUST_CHECK int verify_by_listener(const struct snapshot *s, const char *listener, const struct tls_chain *chain, struct verify_answer *out,
                                  struct err *err);

/* Notes that no rule lets this valid certificate pass. */
void verify_not_allowed(struct verify_answer *answer, const char *why);

#endif
