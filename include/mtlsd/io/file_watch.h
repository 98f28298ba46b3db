/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells when one of a few files has become another: renamed over, written in place, reached by another link, gone or there again. It compares what
 * the file system says of them and reads none. Changes are told soon after events of their folders, and within seconds where there are no events.
 */
#ifndef MTLSD_IO_FILE_WATCH_H
#define MTLSD_IO_FILE_WATCH_H

#include "mtlsd/io/background.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The state of files by the file system alone, without their contents. From any thread; paths as for the watch. NULL: out of memory. */
struct file_prints;
struct file_prints *file_prints_take(const char *const *paths, size_t n);
void file_prints_free(struct file_prints *prints); /* NULL is fine */

struct file_watch;
typedef void (*file_watch_fn)(void *ctx); /* on the loop; may stop the watch */

struct file_watch_order {
    const char *const *paths; /* copied; at least one */
    size_t n;
    /* Of the same paths: what is another file since then is a change. NULL: the first look is told, for its owner to read what is there then. */
    const struct file_prints *known;
    file_watch_fn on_change;
    void *ctx;
};
/* background: looks at the files. NULL: out of memory. */
struct file_watch *file_watch_start(struct uv_loop_s *loop, struct background *background, const struct file_watch_order *order);
/* Watches exactly these paths already. */
bool file_watch_is_of(const struct file_watch *f, const char *const *paths, size_t n);
/* The system refuses to report events of a folder, as when there are too many watches: its files are looked at twice a second. NULL: false. */
bool file_watch_polls(const struct file_watch *f);
/* Pauses: changes are reported when it continues. For an owner whose work on a change takes long, so that a file that is written all the time does
 * not keep it busy. NULL is allowed. */
void file_watch_rest(struct file_watch *f);
void file_watch_go_on(struct file_watch *f, uint64_t after_ms);
/* Stops all callbacks; memory is freed when the loop has run. */
void file_watch_stop(struct file_watch *f);

#endif
