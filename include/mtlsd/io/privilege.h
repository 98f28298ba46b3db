/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Becoming another user after a start as root. All or nothing, and for good: if any step fails, or the way back is open afterwards, the caller must not
 * go on.
 */
#ifndef MTLSD_IO_PRIVILEGE_H
#define MTLSD_IO_PRIVILEGE_H

#include "mtlsd/base/err.h"
#include "mtlsd/control/snapshot.h"

struct privilege;

/* The numbers of a user and a group, by name or number; group NULL: the user's own. The user's other groups belong to it. -1 + err: unknown, or this
 * process cannot become it. *out is NULL when there is nothing to become: user is NULL, or we are that user. */
MUST_CHECK int privilege_find(const char *user, const char *group, struct privilege **out, struct err *err);
void privilege_free(struct privilege *p);

/* Groups, group and user, real, effective and saved, and no capability, for every thread. No program that this thread, or one it starts later, may
 * execute gains rights again. */
MUST_CHECK int privilege_drop(const struct privilege *p, struct err *err);
/* Whether that user can read a file, or write into a folder; tried by becoming it for a moment, so only before the drop and on one thread. */
MUST_CHECK bool privilege_can_read(const struct privilege *p, const char *path);
MUST_CHECK bool privilege_can_write(const struct privilege *p, const char *folder);
/* Makes a file that we made the user's. A file that is gone is no error. */
void privilege_give(const struct privilege *p, const char *path);

/* From here on s looks at owners and groups of files as that user does. p is borrowed; NULL: as we are. */
void privilege_look_as(const struct privilege *p, struct file_source *s);

#endif
