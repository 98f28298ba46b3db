/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registries of a running daemon. A registry outlives the snapshots that use it: a reload that leaves name and database as they are keeps rows and
 * connection. A new one is read before the snapshot that brought it goes live, as long as that does not take START_WAIT_MS.
 */
#ifndef MTLSD_IO_REGISTRY_POOL_H
#define MTLSD_IO_REGISTRY_POOL_H

#include "mtlsd/control/snapshot.h"
#include "mtlsd/io/background.h"

struct registry_pool;

struct registry_pool *registry_pool_new(void); /* NULL: out of memory */
/* For struct file_source. get may run on a thread of the background. */
const struct registry_source *registry_pool_source(const struct registry_pool *p);
struct registry_pool_hooks {
    struct uv_loop_s *loop;
    struct background *background; /* looks at files */
    void (*on_change)(void *ctx, bool withdrawn); /* on the loop: rows changed, of any of them; withdrawn: see registry_reader.h */
    void *ctx;
};
/* Ends those that this snapshot does not use, and tells of changes of the others from now on. On the loop, not while another snapshot is loaded. Costs
 * nothing where no registry was ever configured. -1: no memory. */
MUST_CHECK int registry_pool_follow(struct registry_pool *p, const struct snapshot *s, const struct registry_pool_hooks *hooks);
/* Ends all. The memory goes with registry_pool_free, when the loop has run once more. false: a thread hangs, and the pool must stay. */
bool registry_pool_stop(struct registry_pool *p);
void registry_pool_free(struct registry_pool *p);

/* Reads each registry once, on the thread that asks: for commands. What cannot be read is a warning, and the registry stays empty. */
const struct registry_source *registry_pool_once(void);

#endif
