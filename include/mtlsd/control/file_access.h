/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which other users may read or change a file that mtlsd relies on, and whether that is refused. Pure: io/file.c gives the facts. Only mode, owner
 * and group count. An access control list shows in the mode: its mask stands in the place of the group's bits.
 */
#ifndef MTLSD_CONTROL_FILE_ACCESS_H
#define MTLSD_CONTROL_FILE_ACCESS_H

#include "mtlsd/base/findings.h"
#include <stdbool.h>

struct file_access {
    unsigned mode;             /* permission bits */
    unsigned owner, group, us; /* numbers of users and of a group; us: our effective user */
    bool foreign_owner;        /* neither root nor us */
    bool foreign_group;        /* neither root's nor one of our effective and supplementary groups */
    bool read_only;            /* on a read-only mount: no user can change it, with any mode (volumes of Kubernetes) */
};

struct file_names { /* for messages and commands: a name, or a number that has none */
    char owner[40], group[40], us[40];
};

enum file_use {
    FILE_USE_KEY,    /* refused: others may read or change it, or the group may change it */
    FILE_USE_SECRET, /* the same, of a passphrase */
    FILE_USE_CA,     /* a file or a folder; refused: every user may change it; warned of: a foreign owner or group */
    FILE_USE_CRL,    /* signed, and an older one is not taken while we run; warned of: every user may change it */
    FILE_USE_CONFIG, /* as a CA: who may change it can name another CA */
    FILE_USE_DATABASE, /* as a CA: who may change it says who may connect */
    FILE_USE_FOLDER, /* holds one of the above, but lists; warned of: others may put another file in its place */
};

/* Whether there is something to say, and of what level. */
bool file_access_judge(const struct file_access *a, enum file_use use, enum finding_level *level);
/* "PATH holds a private key and every user can read it (mode 0644, owner root, group root): run chmod 600 PATH". Asked only where file_access_judge
 * found something. */
void file_access_text(const struct file_access *a, enum file_use use, const char *path, const struct file_names *names, char *out, size_t out_size);

#endif
