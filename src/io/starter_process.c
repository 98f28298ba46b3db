/* SPDX-License-Identifier: Apache-2.0 */
#include "starter_process.h"
#include "mtlsd/io/own_program.h"
#include "mtlsd/io/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIST_FD = 3, CHANNEL_FD, CANNOT_RUN = 127, MOST_FDS = 20000 };

extern char **environ;

struct work {
    int daemon, signals;
    pid_t owner; /* the daemon's process */
    const struct own_program *program;
    int list; /* -1: none */
    int *fds; /* of the process to be started */
    size_t n;
    pid_t child; /* 0: none */
};

static void tell(const struct work *w, enum starter_event event, int value)
{
    struct starter_news news = {event, value};
    if (send(w->daemon, &news, sizeof(news), MSG_NOSIGNAL) < 0)
        _exit(0); /* the daemon has ended */
}

/* ---- what came ---- */

static void forget(struct work *w)
{
    for (size_t i = 0; i < w->n; i++)
        close(w->fds[i]);
    if (w->list >= 0)
        close(w->list);
    free(w->fds);
    w->fds = NULL;
    w->n = 0;
    w->list = -1;
}

static void add_to_list(struct work *w, const char *data, size_t len)
{
    if (w->list < 0)
        w->list = memfd_create("mtlsd-handover", MFD_CLOEXEC);
    while (w->list >= 0 && len > 0) {
        ssize_t n = write(w->list, data, len);
        if (n <= 0) {
            close(w->list);
            w->list = -1;
            return;
        }
        data += n;
        len -= (size_t)n;
    }
}

static void add_fds(struct work *w, struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        int *more = w->n + n <= MOST_FDS ? realloc(w->fds, (w->n + n) * sizeof(*more)) : NULL;
        w->fds = more != NULL ? more : w->fds;
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            if (more != NULL)
                w->fds[w->n++] = fd;
            else
                close(fd);
        }
    }
}

/* ---- the new process ---- */

/* Variables that are meant for one process alone. */
static bool is_of_one(const char *entry)
{
    static const char *const names[] = {"MTLSD_HANDOVER=", "LISTEN_FDS=", "LISTEN_FDNAMES=", "LISTEN_PID=", "WATCHDOG_PID="};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strncmp(entry, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* A watchdog for another process than the daemon is not for the one that takes its place. */
static bool is_foreign_watchdog(const char *entry, pid_t daemon)
{
    const char *pid = getenv("WATCHDOG_PID");
    return pid != NULL && strncmp(entry, "WATCHDOG_USEC=", 14) == 0 && strtol(pid, NULL, 10) != (long)daemon;
}

static char **make_environment(char *variable, pid_t daemon)
{
    size_t n = 0, kept = 0;
    while (environ[n] != NULL)
        n++;
    char **env = calloc(n + 2, sizeof(*env));
    for (size_t i = 0; env != NULL && i < n; i++)
        if (!is_of_one(environ[i]) && !is_foreign_watchdog(environ[i], daemon))
            env[kept++] = environ[i];
    if (env != NULL)
        env[kept] = variable;
    return env;
}

/* Above all places that are to be filled; -1: there is none. */
static int lift(int fd, size_t above)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, (int)above);
}

static void become(struct work *w, int failed)
{
    size_t above = CHANNEL_FD + w->n;
    char variable[32];
    sigset_t none;
    snprintf(variable, sizeof(variable), "MTLSD_HANDOVER=%d,%d", LIST_FD, CHANNEL_FD);
    char **env = make_environment(variable, w->owner);
    sigemptyset(&none);
    for (int number = 1; number < SIGRTMIN; number++)
        signal(number, SIG_DFL);
    failed = lift(failed, above);
    w->list = lift(w->list, above);
    for (size_t i = 0; i < w->n; i++)
        w->fds[i] = lift(w->fds[i], above);
    bool placed = env != NULL && lseek(w->list, 0, SEEK_SET) == 0 && dup2(w->list, LIST_FD) == LIST_FD;
    for (size_t i = 0; i < w->n && placed; i++)
        placed = dup2(w->fds[i], CHANNEL_FD + (int)i) >= 0;
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (placed)
        execve(w->program->path, w->program->argv, env);
    int error = errno;
    if (write(failed, &error, sizeof(error)) < 0)
        _exit(CANNOT_RUN);
    _exit(CANNOT_RUN);
}

/* The number of the error; 0: it runs. */
static int start(struct work *w)
{
    int ends[2], error = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    w->child = fork();
    if (w->child == 0)
        become(w, ends[1]);
    error = w->child < 0 ? errno : 0;
    close(ends[1]);
    if (error == 0 && read(ends[0], &error, sizeof(error)) != (ssize_t)sizeof(error))
        error = 0;
    close(ends[0]);
    if (error != 0 && w->child > 0)
        waitpid(w->child, NULL, 0);
    if (error != 0)
        w->child = 0;
    return error;
}

static void reap(struct work *w)
{
    int status;
    struct signalfd_siginfo info;
    if (read(w->signals, &info, sizeof(info)) < 0 || w->child == 0 || waitpid(w->child, &status, WNOHANG) != w->child)
        return;
    w->child = 0;
    tell(w, WIFSIGNALED(status) ? STARTER_KILLED : STARTER_EXITED, WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* ---- orders ---- */

static void carry_out(struct work *w, const struct starter_order *order)
{
    if (order->word == STARTER_KILL && w->child > 0) {
        kill(w->child, order->value);
    } else if (order->word == STARTER_BEGIN) {
        forget(w);
    } else if (order->word == STARTER_START) {
        bool whole = w->list >= 0 && w->n == (size_t)order->value && w->child == 0;
        int error = whole ? start(w) : EMFILE;
        forget(w);
        tell(w, error == 0 ? STARTER_STARTED : STARTER_FAILED, error == 0 ? (int)w->child : error);
    }
}

static void take_order(struct work *w)
{
    union {
        char bytes[CMSG_SPACE(STARTER_FDS_AT_ONCE * sizeof(int))];
        struct cmsghdr align;
    } room;
    static char data[STARTER_BYTES_AT_ONCE];
    struct starter_order order;
    struct iovec parts[2] = {{&order, sizeof(order)}, {data, sizeof(data)}};
    struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = room.bytes, .msg_controllen = sizeof(room.bytes)};
    ssize_t n = recvmsg(w->daemon, &m, MSG_CMSG_CLOEXEC);
    if (n < 0 && errno == EINTR)
        return;
    if (n < (ssize_t)sizeof(order))
        _exit(0); /* the daemon has ended */
    add_fds(w, &m);
    if (order.word == STARTER_LIST)
        add_to_list(w, data, (size_t)n - sizeof(order));
    carry_out(w, &order);
}

/* ---- life ---- */

/* Descriptors of the daemon must not stay open here, least of all those that its peers see closed. */
static int keep_only(int fd)
{
    struct rlimit limit = {0};
    if (dup2(fd, LIST_FD) != LIST_FD || fcntl(LIST_FD, F_SETFD, FD_CLOEXEC) != 0)
        _exit(CANNOT_RUN);
    if (close_range(LIST_FD + 1, ~0U, 0) == 0)
        return LIST_FD;
    getrlimit(RLIMIT_NOFILE, &limit); /* a kernel before 5.9: the limit is not raised yet */
    for (rlim_t i = LIST_FD + 1; i < limit.rlim_cur; i++)
        close((int)i);
    return LIST_FD;
}

/* As many as the daemon may have. */
static void raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void become_user(const char *user, const char *group)
{
    struct privilege *p = NULL;
    struct err err = {0};
    if (privilege_find(user, group, &p, &err) != 0 || (p != NULL && privilege_drop(p, &err) != 0))
        _exit(CANNOT_RUN); /* the daemon says why, for it does the same */
    privilege_free(p);
}

_Noreturn void starter_process(int fd, const struct own_program *program, const char *user, const char *group)
{
    struct work w = {.program = program, .list = -1, .owner = getppid()};
    sigset_t child;
    w.daemon = keep_only(fd);
    prctl(PR_SET_NAME, "mtlsd-starter", 0, 0, 0);
    signal(SIGHUP, SIG_IGN); /* meant for the daemon: a signal to all processes of the service must not end this one */
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    become_user(user, group);
    raise_limit();
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_SETMASK, &child, NULL);
    w.signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    for (;;) {
        struct pollfd from[2] = {{.fd = w.daemon, .events = POLLIN}, {.fd = w.signals, .events = POLLIN}};
        if (poll(from, 2, -1) < 0 && errno != EINTR)
            _exit(CANNOT_RUN);
        if (from[1].revents != 0)
            reap(&w);
        if (from[0].revents != 0)
            take_order(&w);
    }
}
