/* SPDX-License-Identifier: Apache-2.0 */
/* Finds files of a snapshot that other users can read or change, with the place in the configuration. */
#ifndef MTLSD_CONTROL_SNAPSHOT_ACCESS_H
#define MTLSD_CONTROL_SNAPSHOT_ACCESS_H

#include "snapshot_load.h"

struct snapshot_access { /* borrowed */
    const char *where, *kind, *name; /* kind NULL: the configuration's own */
    const char *path;
    enum file_use use;
};

/* The file itself, as it was opened. -1: refused. */
MUST_CHECK int snapshot_access_judge(const struct loader *l, const struct snapshot_access *what, const struct file_access *access);
/* The folders it can be exchanged in; each is told of once. */
void snapshot_access_folders(const struct loader *l, const char *where, const char *path);
/* Every file of the configuration, and its folder. */
void snapshot_access_config(const struct loader *l, const struct config *config);

#endif
