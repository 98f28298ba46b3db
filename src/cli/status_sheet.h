/* SPDX-License-Identifier: Apache-2.0 */
/* The status document as text. Pure. Bytes from peers that are not plain ASCII are printed as %XX, so that no certificate can write control
 * sequences to a terminal. */
#ifndef MTLSD_CLI_STATUS_SHEET_H
#define MTLSD_CLI_STATUS_SHEET_H

#include "page.h"

void status_sheet_print(struct page *page, const json_t *status);

#endif
