/* SPDX-License-Identifier: Apache-2.0 */
#include "key_client_parts.h"
#include "key_process.h"

#include "mtlsd/io/probe.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* An end by itself takes no time. */
enum { END_MS = 1000, END_LOOK_MS = 5 };

void key_client_process_close(struct key_client *c)
{
    for (unsigned i = 0; i < c->n; i++)
        key_channel_clear(&c->channels[i]);
    if (c->life >= 0)
        close(c->life);
    if (c->notices >= 0)
        close(c->notices);
    c->life = c->notices = -1;
}

static void close_ends(const int *ends, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        close(ends[i]);
}

static int open_pair(int *ours, int *theirs, struct err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return err_set(err, ERR_IO, "cannot make a socket for the key process: %s", strerror(errno));
    *ours = pair[0];
    *theirs = pair[1];
    return 0;
}

/* theirs: the child's ends. Behind those for requests there is one that only lives and, with the Workload API, one for its notices. */
static int open_pairs(struct key_client *c, bool notices, int *theirs, unsigned *n, struct err *err)
{
    for (*n = 0; *n < c->n + 1 + notices; (*n)++) {
        int ours;
        if (open_pair(&ours, &theirs[*n], err) != 0)
            return -1;
        if (*n < c->n)
            key_channel_init(&c->channels[*n], ours);
        else
            *(*n == c->n ? &c->life : &c->notices) = ours;
    }
    return 0;
}

bool key_client_process_report(struct key_client *c)
{
    struct sandbox_facts facts;
    if (recv(c->life, &facts, sizeof(facts), MSG_DONTWAIT) != (ssize_t)sizeof(facts))
        return false;
    c->sandbox = facts;
    return true;
}

/* Else the first identity would be told to be wrong. */
static int wait_ready(struct key_client *c, struct err *err)
{
    struct pollfd life = {.fd = c->life, .events = POLLIN};
    int rc;
    while ((rc = poll(&life, 1, KEY_CLIENT_SIGN_MS)) < 0 && errno == EINTR) {
    }
    if (rc == 1 && key_client_process_report(c))
        return 0;
    kill(c->pid, SIGKILL);
    waitpid(c->pid, NULL, 0);
    return err_set(err, ERR_IO, "the key process %s", rc == 0 ? "does not begin in time" : "cannot begin: raise the limits of processes and memory");
}

int key_client_process_start(struct key_client *c, const struct key_client_order *how, struct err *err)
{
    unsigned n = 0;
    int *theirs = calloc(c->n + 2, sizeof(*theirs));
    if (theirs == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    int rc = open_pairs(c, how->workload != NULL, theirs, &n, err);
    const struct key_process_order order = {.channels = theirs, .n = c->n, .life = theirs[c->n], .parent = getpid(), .user = how->user, .sandbox = how->sandbox,
                                            .workload = how->workload, .notices = theirs[c->n + 1]};
    if (rc == 0 && (c->pid = fork()) == 0)
        key_process_run(&order);
    if (rc == 0 && c->pid < 0)
        rc = err_set(err, ERR_IO, "cannot start the key process: %s: raise the limits of processes and memory", strerror(errno));
    close_ends(theirs, n);
    free(theirs);
    return rc == 0 ? wait_ready(c, err) : rc;
}

void key_client_process_end(struct key_client *c)
{
    for (int waited = 0; c->pid > 0 && waited < END_MS; waited += END_LOOK_MS) {
        pid_t ended = waitpid(c->pid, NULL, WNOHANG);
        if (ended == c->pid || (ended < 0 && errno == ECHILD))
            c->pid = 0;
        else
            probe_pause(END_LOOK_MS);
    }
    if (c->pid <= 0)
        return;
    kill(c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    c->pid = 0;
}
