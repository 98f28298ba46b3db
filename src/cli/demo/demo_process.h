/* SPDX-License-Identifier: Apache-2.0 */
/* One mtlsd of the demo: this program as a separate process with its configuration, and requests to its admin socket. */
#ifndef MTLSD_CLI_DEMO_PROCESS_H
#define MTLSD_CLI_DEMO_PROCESS_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"
#include <sys/types.h>

enum { DEMO_PATH_MAX = 400 };

struct demo_process {
    const char *name;
    pid_t pid; /* 0: not running */
    char config[DEMO_PATH_MAX], log[DEMO_PATH_MAX], socket[DEMO_PATH_MAX];
};

/* Writes FOLDER/name.conf and runs it; its log goes to FOLDER/name.log, its admin socket is FOLDER/name.sock. */
MUST_CHECK int demo_process_start(struct demo_process *p, const char *folder, const char *name, struct span config, struct err *err);
/* Waits until it says that it is ready. */
MUST_CHECK int demo_process_ready(struct demo_process *p, unsigned within_ms, struct err *err);
/* Asks it to drain, waits, and if need be ends it. The exit code, or -1 when it had to be ended or a signal did. */
int demo_process_stop(struct demo_process *p, unsigned within_ms);
void demo_process_kill(pid_t pid); /* at once, and reaps; 0 is fine */

struct demo_refusals {
    size_t n;
    char newest[64]; /* its reason word, "" when there is none */
};
/* What it refused so far. */
MUST_CHECK int demo_process_refusals(const struct demo_process *p, struct demo_refusals *out, struct err *err);
/* Waits until there are more than n. */
MUST_CHECK int demo_process_next_refusal(const struct demo_process *p, size_t n, struct demo_refusals *out, struct err *err);

#endif
