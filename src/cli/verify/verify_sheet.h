/* SPDX-License-Identifier: Apache-2.0 */
/* What `verify` shows: one verdict and the certificates it is about, for people or for programs. */
#ifndef MTLSD_CLI_VERIFY_SHEET_H
#define MTLSD_CLI_VERIFY_SHEET_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/tls/tls_chain.h"
#include "mtlsd/tls/tls_judge.h"

struct verify_sheet { /* all borrowed */
    const struct tls_question *question;
    const struct tls_verdict *verdict;
    const struct tls_details *details;
    const struct tls_chain *chain;
    const char *listener, *where; /* whose trust it is, and its line; NULL: one made of files */
    bool lets_in;                 /* what that listener does: also a bad certificate, where it tolerates the status */
    bool refuses_later;           /* not in the handshake, but each request with 403 */
};

/* Certificates' texts are escaped: nothing in them reaches a terminal raw. */
MUST_CHECK int verify_sheet_text(const struct verify_sheet *sheet, struct bytes *out);
MUST_CHECK int verify_sheet_json(const struct verify_sheet *sheet, struct bytes *out);

#endif
