/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary folder: made with a unique name, removed with its content. */
#ifndef MTLSD_IO_SCRATCH_H
#define MTLSD_IO_SCRATCH_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/err.h"
#include <stddef.h>

/* In $TMPDIR or /tmp, open to us only. */
MUST_CHECK int scratch_make(const char *prefix, char *path, size_t size, struct err *err);
/* Links in it are removed, never followed. */
MUST_CHECK int scratch_remove(const char *path, struct err *err);
/* Opens a new file for what another process writes; closed over exec. */
MUST_CHECK int scratch_log(const char *path, struct err *err);

#endif
