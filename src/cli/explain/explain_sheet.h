/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of control/explain as a document, and the text for people, which is printed from it. */
#ifndef MTLSD_CLI_EXPLAIN_SHEET_H
#define MTLSD_CLI_EXPLAIN_SHEET_H

#include "page.h"
#include "mtlsd/control/explain.h"

json_t *explain_sheet_document(const struct explain_ask *ask, const struct explain *answer); /* NULL: out of memory */
void explain_sheet_print(struct page *p, const json_t *document);

#endif
