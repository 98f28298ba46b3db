/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads beside a loop, for work that may take long: loading a configuration, reading lists, looking at files. They are started before the first
 * client is served: a daemon that lacks threads says so at its start, and not at its first reload.
 */
#ifndef MTLSD_IO_BACKGROUND_H
#define MTLSD_IO_BACKGROUND_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/err.h"

#include <stdbool.h>

struct uv_loop_s;
struct background;

/* loop is borrowed. NULL + err. */
struct background *background_new(struct uv_loop_s *loop, struct err *err);
/* work runs on a thread, the oldest first, then done on the loop. -1: out of memory. */
MUST_CHECK int background_do(struct background *s, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx);
/* As background_do, but on another thread than the last of these, where that is idle. A thread's memory comes from an arena of its own: what is loaded
 * while the last load lives, and is freed after it, then leaves no gaps between live blocks. */
MUST_CHECK int background_do_apart(struct background *s, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx);
/* As background_do, but from any thread and without a callback: it does not count as busy. */
MUST_CHECK int background_throw(struct background *s, void (*work)(void *ctx), void *ctx);
/* Something was given that is not done yet. On the loop's thread. */
bool background_is_busy(const struct background *s);
/* Waits for what was given, then tells each that it is done. The memory goes when the loop runs once more. */
void background_stop(struct background *s);

#endif
