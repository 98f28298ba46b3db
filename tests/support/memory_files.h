/* SPDX-License-Identifier: Apache-2.0 */
/* A struct file_source over memory: files, folders and files that cannot be read, by path. */
#ifndef MTLSD_TEST_MEMORY_FILES_H
#define MTLSD_TEST_MEMORY_FILES_H

#include "mtlsd/control/snapshot.h"

enum { MEMORY_FILES_MAX = 32 };

struct memory_file {
    char path[128];
    struct bytes text; /* owned */
    struct file_facts facts;
    bool unreadable;
};

struct memory_files {
    struct memory_file items[MEMORY_FILES_MAX];
    size_t n;
};

/* Makes or replaces a file; gives it so that a test can change its facts. */
struct memory_file *memory_files_put(struct memory_files *m, const char *path, struct span text);
struct memory_file *memory_files_put_folder(struct memory_files *m, const char *path);
struct memory_file *memory_files_find(struct memory_files *m, const char *path);
void memory_files_remove(struct memory_files *m, const char *path);
void memory_files_clear(struct memory_files *m);
struct file_source memory_files_source(struct memory_files *m);

#endif
