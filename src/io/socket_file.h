/* SPDX-License-Identifier: Apache-2.0 */
/* The files of our unix sockets, recorded so that only these are removed. Another daemon may have put its own socket under the same name since. */
#ifndef MTLSD_IO_SOCKET_FILE_H
#define MTLSD_IO_SOCKET_FILE_H

#include "mtlsd/control/snapshot.h"

#include <sys/types.h>

struct socket_file {
    struct socket_file *next;
    char *path;
    dev_t device;
    ino_t inode;
};

/* The file that stands at path now is ours. Without memory it will be left behind. */
void socket_file_note(struct socket_file **list, const char *path);
/* Moves all of from to into. */
void socket_file_join(struct socket_file **into, struct socket_file **from);
/* Removes and forgets those that kept (may be NULL) does not name, while their sockets are still open: afterwards another file may have the inode
 * number. */
void socket_file_remove(struct socket_file **list, const struct snapshot *kept);
/* Forgets all, whose files are another process's now. */
void socket_file_forget(struct socket_file **list);
/* Notes the files of listeners whose sockets were handed over: they are ours from now on. */
struct inherited;
void socket_file_adopt(struct socket_file **list, const struct snapshot *snapshot, const struct inherited *handed);

#endif
