/* SPDX-License-Identifier: Apache-2.0 */
/* What `check` shows: every finding with its place, and what a run would load, for people or for programs. */
#ifndef MTLSD_CLI_CHECK_SHEET_H
#define MTLSD_CLI_CHECK_SHEET_H

#include "check_connect.h"
#include "mtlsd/base/bytes.h"
#include "mtlsd/base/findings.h"
#include "mtlsd/control/snapshot.h"

struct check_sheet { /* all borrowed */
    const char *path;
    const struct findings *findings;
    const struct snapshot *snapshot; /* NULL when nothing could be loaded */
    const struct check_connect *connect; /* NULL: nobody asked to connect */
    int64_t now;
};

MUST_CHECK int check_sheet_text(const struct check_sheet *sheet, struct bytes *out);
MUST_CHECK int check_sheet_json(const struct check_sheet *sheet, struct bytes *out);

#endif
