/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: whole reads with a size cap and the facts a credential check needs, folder listings, and writes that are either complete
 * or not there at all. Messages name the file and the system's words. ERR_IO unless stated.
 */
#ifndef MTLSD_IO_FILE_H
#define MTLSD_IO_FILE_H

#include "mtlsd/control/snapshot.h"

#define FILE_MAX_BYTES ((size_t)64 * 1024 * 1024)

/* Starts *out anew (what it held is not freed) and fills it. A folder gives 0, no bytes and facts->is_folder; with facts NULL it is an
 * error. Only regular files and pipes are read: never a device or a socket; a pipe whose writer stays silent is an error after ten seconds. On failure *out is empty and owns nothing. */
MUST_CHECK int file_read(const char *path, struct bytes *out, struct file_facts *facts, struct err *err);
/* Names of the regular files (links followed) in a folder, sorted. */
MUST_CHECK int file_list(const char *path, char ***names, size_t *n, struct err *err);
/* Who can change a file, also by putting another in its place. -1: there is no such file or folder. */
MUST_CHECK int file_look(const char *path, struct file_place *out);
/* The names of users and groups, for messages. */
void file_look_names(const struct file_access *access, struct file_names *out);
/* All of that as the snapshot builder takes it. */
const struct file_source *file_source_disk(void);

/* Writes beside the target, flushes, and renames: a reader sees the old content or the new one. Unless replace, an existing file is left
 * alone and that is an error. */
MUST_CHECK int file_write(const char *path, struct span content, unsigned mode, bool replace, struct err *err);
bool file_exists(const char *path);
/* Whether files could be made in that folder. 0, or -1 + err. */
MUST_CHECK int file_check_folder(const char *path, struct err *err);
/* Makes a folder (and what leads to it); one that exists is fine. */
MUST_CHECK int file_make_folder(const char *path, unsigned mode, struct err *err);
/* Waits for the exclusive use of a folder by processes that ask; gives a descriptor for file_unlock, or -1. */
MUST_CHECK int file_lock(const char *folder, struct err *err);
void file_unlock(int lock);

#endif
