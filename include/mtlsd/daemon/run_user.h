/* SPDX-License-Identifier: Apache-2.0 */
/* The user that a daemon which root started becomes, and what that user will miss at a reload. */
#ifndef MTLSD_DAEMON_RUN_USER_H
#define MTLSD_DAEMON_RUN_USER_H

#include "mtlsd/config/config.h"
#include "mtlsd/io/privilege.h"

/* Before the drop: a warning for each file of the configuration that the user cannot read, so that a reload would fail. p may be NULL. */
void run_user_review(const struct privilege *p, const struct config *config, struct findings *out);
/* At a reload: a warning when the file names another user than the one that started; NULL: none. */
void run_user_compare(const char *user, const char *group, const struct config *next, struct findings *out);
/* Gives it the files of our sockets and the log, and becomes it. Nothing to do for NULL. */
MUST_CHECK int run_user_become(const struct privilege *p, const struct config *config, struct err *err);

#endif
