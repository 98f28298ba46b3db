/* SPDX-License-Identifier: Apache-2.0 */
/* The output of `check`: every finding with its place, and what run would load, as a document and as text. */
#ifndef MTLSD_CLI_CHECK_SHEET_H
#define MTLSD_CLI_CHECK_SHEET_H

#include "page.h"
#include "mtlsd/base/findings.h"
#include "mtlsd/control/snapshot.h"

struct check_sheet { /* all borrowed */
    const char *path;
    const struct findings *findings;
    const struct snapshot *snapshot; /* NULL when nothing could be loaded */
    json_t *connections;             /* of check_connect, NULL: without --connect */
    int64_t now;
};

json_t *check_document(const struct check_sheet *sheet); /* NULL: out of memory */
void check_sheet_print(struct page *page, const json_t *document);

#endif
