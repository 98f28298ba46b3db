/* SPDX-License-Identifier: Apache-2.0 */
/* What `verify` shows: one verdict and the certificates it is about, for people or for programs. */
#ifndef MTLSD_DAEMON_VERIFY_SHEET_H
#define MTLSD_DAEMON_VERIFY_SHEET_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/tls/tls_chain.h"
#include "mtlsd/tls/tls_judge.h"

struct verify_sheet { /* all borrowed */
    const struct tls_question *question;
    const struct tls_verdict *verdict;
    const struct tls_chain *chain;
    const char *file;
};

/* Certificates' texts are escaped: nothing in them reaches a terminal raw. */
MUST_CHECK int verify_sheet_text(const struct verify_sheet *sheet, struct bytes *out);
MUST_CHECK int verify_sheet_json(const struct verify_sheet *sheet, struct bytes *out);

#endif
