/* SPDX-License-Identifier: Apache-2.0 */
/* The output of `explain`: the answer of control/explain as text or JSON. Texts from a certificate or a request are escaped. */
#ifndef MTLSD_CLI_EXPLAIN_SHEET_H
#define MTLSD_CLI_EXPLAIN_SHEET_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/control/explain.h"

struct explain_sheet { /* borrowed */
    const struct explain_ask *ask;
    const struct explain *answer;
};

MUST_CHECK int explain_sheet_text(const struct explain_sheet *s, struct bytes *out);
MUST_CHECK int explain_sheet_json(const struct explain_sheet *s, struct bytes *out);

/* Words that both share. */
const char *explain_sheet_stage(unsigned stage);   /* "handshake" */
const char *explain_sheet_action(enum explain_action action); /* "forward" */
const char *explain_sheet_form(enum http_target_form form);  /* "origin" */

#endif
