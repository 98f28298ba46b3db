/* SPDX-License-Identifier: Apache-2.0 */
/* The status document as a page for people. Pure. What peers chose is printed with everything but plain ASCII as %XX, so that no
 * certificate can draw on a terminal. */
#ifndef MTLSD_CLI_STATUS_SHEET_H
#define MTLSD_CLI_STATUS_SHEET_H

#include "document.h"

void status_sheet_print(struct page *page, const json_t *status);

#endif
