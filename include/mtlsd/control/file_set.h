/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a trust is made of, in memory: for a configuration (control/snapshot_load.c) and for the command line (cli/verify). */
#ifndef MTLSD_CONTROL_FILE_SET_H
#define MTLSD_CONTROL_FILE_SET_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/control/file_access.h"
#include "mtlsd/tls/tls_trust.h"

struct file_set_item {
    char *path; /* owned, as text is */
    struct bytes text;
    struct file_access access;
};

struct file_set {
    struct file_set_item *items;
    size_t n;
};

/* One more, of that path and still empty; folder "": name is the path. NULL: out of memory. */
struct file_set_item *file_set_add(struct file_set *set, const char *folder, const char *name);
void file_set_drop_last(struct file_set *set);
void file_set_clear(struct file_set *set);
/* Name and text of each, borrowed, in an array with room for one more, which the caller frees. NULL: out of memory. */
struct tls_file *file_set_borrow(const struct file_set *set);

/* The files of a folder that are read as CA certificates: those that end in .pem, .crt or .cer, and are not hidden. */
bool file_set_is_ca(const char *name);
#define FILE_SET_NO_CA "this folder has no file that ends in .pem, .crt or .cer; put the CA certificates there"

#endif
