/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells when one of a few files has become another: renamed over, written in place, reached by another link, gone or there again. It compares what
 * the file system says of them and reads none. Changes are told soon after events of their folders, and within seconds where there are no events.
 */
#ifndef MTLSD_IO_FILE_WATCH_H
#define MTLSD_IO_FILE_WATCH_H

#include "mtlsd/io/background.h"

#include <stddef.h>
#include <stdint.h>

struct file_watch;
typedef void (*file_watch_fn)(void *ctx); /* on the loop; may stop the watch */

/* Copies the paths; at least one. background: looks at the files. Files as they are now are taken for known. NULL: out of memory. */
struct file_watch *file_watch_start(struct uv_loop_s *loop, struct background *background, const char *const *paths, size_t n, file_watch_fn on_change,
                                    void *ctx);
/* Pauses: changes are reported when it continues. For an owner whose work on a change takes long, so that a file that is written all the time does
 * not keep it busy. NULL is allowed. */
void file_watch_rest(struct file_watch *f);
void file_watch_go_on(struct file_watch *f, uint64_t after_ms);
/* Stops all callbacks; memory is freed when the loop has run. */
void file_watch_stop(struct file_watch *f);

#endif
