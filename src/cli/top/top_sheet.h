/* SPDX-License-Identifier: Apache-2.0 */
/* Two status documents, some seconds apart, as one screen of rates and states. Pure. */
#ifndef MTLSD_CLI_TOP_SHEET_H
#define MTLSD_CLI_TOP_SHEET_H

#include "page.h"

struct top_sheet { /* all borrowed */
    const json_t *now, *before; /* before NULL: there are no rates yet */
    double seconds;             /* between the two */
};

void top_sheet_print(struct page *page, const struct top_sheet *sheet);

/* The part of text that a terminal of this size shows: lines and their ends are cut. erase: each line first clears what stood there, for a screen that
 * is drawn over. -1: out of memory. */
struct top_screen {
    size_t rows, columns;
    bool erase;
};
MUST_CHECK int top_sheet_cut(struct bytes *out, struct span text, const struct top_screen *screen);

#endif
