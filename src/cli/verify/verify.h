/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `mtlsd verify`. */
#ifndef MTLSD_CLI_VERIFY_H
#define MTLSD_CLI_VERIFY_H

#include "flags.h"
#include "page.h"
#include "mtlsd/control/snapshot.h"
#include "mtlsd/tls/tls_chain.h"
#include "mtlsd/tls/tls_judge.h"
#include "mtlsd/tls/tls_trust.h"

/* The output of `verify`: one verdict and its certificates, as a document and as text. */

/* One judgement: what was asked, and what came out. */
struct verify_answer {
    struct tls_question question;
    struct tls_verdict verdict;
    struct tls_details details;
    struct tls_chain chain;       /* owned */
    const char *listener, *where; /* whose trust it is, and its line; NULL: one made of files; borrowed */
    bool lets_in;                 /* what that listener does: also a bad certificate, where it tolerates the status */
    bool refuses_later;           /* not in the handshake, but each request with 403 */
};

json_t *verify_sheet_document(const struct verify_answer *answer); /* NULL: out of memory */
void verify_sheet_print(struct page *page, const json_t *document);

/* `verify` by the trust and the rules of a configuration's listener. */

/* Judges answer->chain and decides as this listener would at question.now. The answer borrows from the snapshot. -1 + err: the listener is not there,
 * or asks for no certificate. */
MUST_CHECK int verify_by_listener(const struct snapshot *s, const char *listener, struct verify_answer *answer, struct err *err);

/* Notes that no rule lets this valid certificate pass. */
void verify_not_allowed(struct verify_answer *answer, const char *why);

/* The trust of `verify` and `drill`, made from files on the command line. */

/* Fills ca and crl of the spec from these files and makes the trust; its other members say the rules. A CA may be a folder, or "system" alone. */
struct tls_trust *verify_trust_load(struct tls_trust_spec *spec, const struct flag_list *ca, const struct flag_list *crl, int64_t now,
                                    struct findings *notes, struct err *err);

#endif
