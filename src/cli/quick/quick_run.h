/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the configuration of quick_config, as `run` runs a file. */
#ifndef MTLSD_CLI_QUICK_RUN_H
#define MTLSD_CLI_QUICK_RUN_H

#include "quick_config.h"

typedef int (*quick_run_make_fn)(const struct quick_config *q, struct bytes *out, struct err *err);

/* Gives an exit code. print: show the configuration on stdout instead, to go on with in a file. */
int quick_run(quick_run_make_fn make, const struct quick_config *q, bool print);

#endif
