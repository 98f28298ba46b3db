/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: whole reads with a size limit and the facts for a credential check, folder listings, and writes that are
 * complete or absent. Messages have the file and the system's error. ERR_IO unless stated.
 */
#ifndef MTLSD_IO_FILE_H
#define MTLSD_IO_FILE_H

#include "mtlsd/control/snapshot.h"

#define FILE_MAX_BYTES ((size_t)64 * 1024 * 1024)

/* Initialises *out (the old content is not freed) and fills it. A folder gives 0, no bytes and facts->is_folder; with facts NULL it is an error.
 * Only regular files and pipes are read: never a device or a socket. A pipe without data for ten seconds is an error. On failure *out is empty and
 * owns nothing. */
MUST_CHECK int file_read(const char *path, struct bytes *out, struct file_facts *facts, struct err *err);
/* Names of the regular files (links followed) in a folder, sorted. */
MUST_CHECK int file_list(const char *path, char ***names, size_t *n, struct err *err);
/* The users that can change a file, also by replacing it. -1: there is no such file or folder. */
MUST_CHECK int file_look(const char *path, struct file_place *out);
/* The names of users and groups, for messages. */
void file_look_names(const struct file_access *access, struct file_names *out);
/* All of that as the snapshot builder takes it. */
const struct file_source *file_source_disk(void);

/* Writes beside the target, flushes, and renames: a reader sees the old content or the new one. Unless replace, an existing file is left
 * alone and that is an error. */
MUST_CHECK int file_write(const char *path, struct span content, unsigned mode, bool replace, struct err *err);
bool file_exists(const char *path);
void file_remove(const char *path); /* one that is absent is fine */
/* Whether files could be made in that folder. 0, or -1 + err. */
MUST_CHECK int file_check_folder(const char *path, struct err *err);
/* Makes a folder and its parents; an existing one is fine. */
MUST_CHECK int file_make_folder(const char *path, unsigned mode, struct err *err);
/* Waits for the exclusive use of a folder by processes that ask; gives a descriptor for file_unlock, or -1. */
MUST_CHECK int file_lock(const char *folder, struct err *err);
void file_unlock(int lock);

#endif
