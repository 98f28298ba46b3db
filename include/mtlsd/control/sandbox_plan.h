/* SPDX-License-Identifier: Apache-2.0 */
/* The places in the file system that a configuration needs while it runs: what a sandbox leaves open. */
#ifndef MTLSD_CONTROL_SANDBOX_PLAN_H
#define MTLSD_CONTROL_SANDBOX_PLAN_H

#include "mtlsd/config/config.h"

#include <stdbool.h>

enum sandbox_use {
    SANDBOX_READ,    /* a file, with the folder that its name and its links are in, or a folder: read only */
    SANDBOX_AROUND,  /* the same, and the folder above that one: it may be made again */
    SANDBOX_KEEP,    /* a file that is written, renamed and made again: its folder */
    SANDBOX_FOLDER,  /* a folder of such files */
    SANDBOX_SOCKET,  /* a unix socket that is made and removed: its folder */
    SANDBOX_SYSTEM,  /* of the system, read only; it need not exist */
};

struct sandbox_place {
    const char *path; /* borrowed from the configuration, or from owned */
    enum sandbox_use use;
};

struct sandbox_plan {
    struct sandbox_place *places;
    size_t n;
    char **owned; /* paths that the configuration does not have as such */
    size_t n_owned;
};

/* The parts of it that are in force. */
struct sandbox_facts {
    bool off;       /* the configuration says so; nothing below is in force */
    int files;      /* the version of Landlock; 0: files are not restricted */
    bool calls;     /* system calls are */
    char why[160];  /* why one of them is not in force; "": both are */
};

/* The process that it is for. The files of identities are read by the process that holds the keys. */
enum sandbox_role {
    SANDBOX_ALONE,       /* it holds the keys, too */
    SANDBOX_CONNECTIONS, /* beside a process that holds them */
    SANDBOX_KEYS,        /* that one */
};

/* The plan for this configuration, which must outlive it. -1: out of memory. */
MUST_CHECK int sandbox_plan_new(struct sandbox_plan *plan, const struct config *config, enum sandbox_role role);
void sandbox_plan_clear(struct sandbox_plan *plan);

#endif
