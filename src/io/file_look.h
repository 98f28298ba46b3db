/* SPDX-License-Identifier: Apache-2.0 */
/* Owner, group and mode of a file, as struct file_access. */
#ifndef MTLSD_IO_FILE_LOOK_H
#define MTLSD_IO_FILE_LOOK_H

#include "mtlsd/control/file_access.h"

#include <sys/stat.h>

/* All but read_only. */
void file_look_access(const struct stat *st, struct file_access *out);

#endif
