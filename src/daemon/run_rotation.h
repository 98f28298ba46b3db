/* SPDX-License-Identifier: Apache-2.0 */
/* Loads certificates, keys, CAs and, if watch = "all", the configuration again when their files have changed, without being asked. */
#ifndef MTLSD_DAEMON_RUN_ROTATION_H
#define MTLSD_DAEMON_RUN_ROTATION_H

#include "mtlsd/io/server.h"

#include <stdbool.h>

struct file_prints;
struct file_watch;
struct ticker;

struct run_rotation_hooks {
    void *ctx;
    void (*load)(void *ctx, bool config); /* the files again; config: the text of the configuration too */
};

struct run_rotation {
    struct run_rotation_hooks hooks;
    struct file_watch *credentials, *config; /* NULL: not watched */
    struct ticker *retry;                    /* runs while the last files could not be used */
};

/* Of the files as a load found them: what changes from then on, also before it ends, is a change. NULL: not watched, or out of memory. */
struct run_rotation_prints {
    struct file_prints *credentials; /* before they are read */
    struct file_prints *config;      /* once it was read, as it names what it includes */
};
void run_rotation_look(struct run_rotation_prints *prints, const struct config *config);
void run_rotation_forget(struct run_rotation_prints *prints);
/* Watches the files of what the server serves now; prints: as run_rotation_look gave them for it. */
void run_rotation_follow(struct run_rotation *r, struct server *server, const struct run_rotation_prints *prints);
/* A load begins. */
void run_rotation_begin(struct run_rotation *r);
/* It ended, and took that much CPU time: a file that is written all the time must not keep the daemon loading. */
enum run_rotation_outcome {
    RUN_ROTATION_USED,
    RUN_ROTATION_TRY_AGAIN, /* the files could not be used, or an upstream refused one */
    RUN_ROTATION_GIVE_UP,   /* the configuration was refused: with the one in use, all would seem to be well */
};
void run_rotation_end(struct run_rotation *r, struct server *server, uint64_t took_us, enum run_rotation_outcome outcome);
void run_rotation_stop(struct run_rotation *r);

#endif
