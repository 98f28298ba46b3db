/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets that a service manager passes: taken from the environment, used for the admin socket, and compared with what the configuration names. */
#ifndef MTLSD_DAEMON_RUN_PASSED_H
#define MTLSD_DAEMON_RUN_PASSED_H

#include "mtlsd/config/config.h"
#include "mtlsd/io/inherited.h"

/* NULL: none were passed; err says so when it was for want of memory. */
struct inherited *run_passed_take(struct err *err);
/* The name in "systemd:NAME"; NULL: text is something else. */
const char *run_passed_name(const char *text);
/* A descriptor of the unix socket of that name, which only its owner or a group may connect to. -1 + err. */
MUST_CHECK int run_passed_admin(const struct inherited *passed, const char *name, struct err *err);
/* A warning for each socket that nothing in the configuration names: its clients would wait for nothing. */
void run_passed_review(const struct inherited *passed, const struct config *config, struct findings *out);

#endif
