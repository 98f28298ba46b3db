/* SPDX-License-Identifier: Apache-2.0 */
/* For commands that read a key or a CA without a configuration: they apply the rules of mtlsd/control/file_access.h as well. */
#ifndef MTLSD_CLI_FILE_CHECK_H
#define MTLSD_CLI_FILE_CHECK_H

#include "mtlsd/control/file_access.h"
#include "mtlsd/base/err.h"

/* -1: refused. What is only warned of becomes a finding; notes may be NULL. */
MUST_CHECK int file_check(const char *path, enum file_use use, const struct file_access *access, struct findings *notes, struct err *err);

#endif
