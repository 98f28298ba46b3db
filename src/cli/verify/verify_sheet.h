/* SPDX-License-Identifier: Apache-2.0 */
/* The output of `verify`: one verdict and its certificates, as a document and as text. */
#ifndef MTLSD_CLI_VERIFY_SHEET_H
#define MTLSD_CLI_VERIFY_SHEET_H

#include "page.h"
#include "mtlsd/tls/tls_chain.h"
#include "mtlsd/tls/tls_judge.h"

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

#endif
