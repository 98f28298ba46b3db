/* SPDX-License-Identifier: Apache-2.0 */
/* `mtlsd client` and `mtlsd server` make a configuration from flags. Findings about it name keys that the user did not write: here they become the
 * flags. */
#ifndef MTLSD_CLI_QUICK_WORDS_H
#define MTLSD_CLI_QUICK_WORDS_H

#include "mtlsd/base/findings.h"

#define QUICK_WORDS_PLACE "command line" /* stands for the file where a configuration is made from flags */

/* Changes the findings that are about such a configuration; others stay. Keys without a flag stay too: they are those of the file that --print
 * writes. Without memory a finding stays as it is. */
void quick_words_translate(struct findings *findings);

#endif
