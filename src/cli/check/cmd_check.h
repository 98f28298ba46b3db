/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MTLSD_CLI_CMD_CHECK_H
#define MTLSD_CLI_CMD_CHECK_H

#include <stdbool.h>

/* What `check` does, for `run -t`. Gives an exit code. */
int cmd_check_file(const char *path, bool json);

#endif
