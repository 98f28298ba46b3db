/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists while the daemon runs: changed files are read on the side, taken where they may be, and then every live connection is judged
 * again. */
#ifndef MTLSD_DAEMON_RUN_CRLS_H
#define MTLSD_DAEMON_RUN_CRLS_H

#include "mtlsd/base/findings.h"
#include "mtlsd/io/server.h"

struct file_watch;

struct run_crls {
    struct server *server; /* borrowed */
    struct file_watch *watch;
    struct snapshot *reading; /* counted: whose lists are being read; NULL: none */
    struct findings findings;
    size_t changed; /* trusts that have other lists now */
    bool again;
};

/* Watches the files of what the server serves now. Also after a reload: then what changed while it loaded is read too. */
void run_crls_follow(struct run_crls *c, struct server *server);
void run_crls_stop(struct run_crls *c);
bool run_crls_is_busy(const struct run_crls *c);

#endif
