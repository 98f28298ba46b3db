/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `mtlsd wrap`: the daemon and the app as children. */
#ifndef MTLSD_CLI_WRAP_H
#define MTLSD_CLI_WRAP_H

#include "mtlsd/base/err.h"
#include "mtlsd/control/snapshot.h"

#include <stdbool.h>
#include <sys/types.h>

struct wrap {
    const char *path; /* the configuration */
    char **app;       /* the app's argv, NULL at its end */
    unsigned wait_s;  /* how long the daemon and the upstreams have */
    const char *proxy; /* the value for http_proxy; NULL: there is no forward proxy */
    pid_t daemon, child; /* 0: not there */
    int daemon_status, child_status; /* of waitpid, once they are gone */
};

/* Starts `mtlsd run` and waits until it is ready. -1: it is not, which is said. */
MUST_CHECK int wrap_start_daemon(struct wrap *w);
/* Tries every upstream until all of them accept our connections. -1: there was no time left, which is said. */
MUST_CHECK int wrap_try_upstreams(struct wrap *w, const struct snapshot *snapshot);
/* Starts the app, passes signals on to it until one of the two has ended, ends the other. Gives the exit code. */
int wrap_run(struct wrap *w);
/* Ends what is there. */
void wrap_end(struct wrap *w);

/* "http://127.0.0.1:3128" of the first listener that is a forward proxy on a loopback address; out "": there is none. */
void wrap_find_proxy(const struct config *config, char *out, size_t size);

#endif
