/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/starter.h"
#include "starter_process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { SEND_S = 2 }; /* a starter that does not read must not hold up the loop for longer */

struct starter {
    int fd;
    pid_t pid;
};

static int refuse(struct err *err)
{
    return err_set(err, ERR_IO, "the process that starts new ones has ended or hangs: restart mtlsd instead");
}

struct starter *starter_new(const struct own_program *program, const char *user, const char *group, struct err *err)
{
    int ends[2];
    struct timeval most = {.tv_sec = SEND_S};
    struct starter *s = calloc(1, sizeof(*s));
    if (s == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        err_set(err, ERR_IO, "no descriptors or memory");
        free(s);
        return NULL;
    }
    s->pid = fork();
    if (s->pid == 0)
        starter_process(ends[1], program, user, group);
    close(ends[1]);
    s->fd = ends[0];
    if (s->pid > 0 && setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)) == 0)
        return s;
    err_set(err, ERR_IO, "no process: %s", strerror(errno));
    starter_free(s);
    return NULL;
}

void starter_free(struct starter *s)
{
    if (s == NULL)
        return;
    close(s->fd); /* which ends it */
    free(s);
}

long starter_pid(const struct starter *s)
{
    return (long)s->pid;
}

static int send_order(struct starter *s, enum starter_word word, int value, struct span data, const int *fds, size_t n)
{
    union {
        char bytes[CMSG_SPACE(STARTER_FDS_AT_ONCE * sizeof(int))];
        struct cmsghdr align;
    } room = {0};
    struct starter_order order = {word, value};
    struct iovec parts[2] = {{&order, sizeof(order)}, {(void *)(uintptr_t)data.ptr, data.len}};
    struct msghdr m = {.msg_iov = parts, .msg_iovlen = data.len > 0 ? 2 : 1};
    if (n > 0) {
        m.msg_control = room.bytes;
        m.msg_controllen = CMSG_SPACE(n * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        *c = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(n * sizeof(int))};
        memcpy(CMSG_DATA(c), fds, n * sizeof(int));
    }
    return sendmsg(s->fd, &m, MSG_NOSIGNAL) >= 0 ? 0 : -1;
}

static int send_fds(struct starter *s, const int *fds, size_t n)
{
    int rc = 0;
    for (size_t at = 0, some; at < n && rc == 0; at += some) {
        some = n - at < STARTER_FDS_AT_ONCE ? n - at : STARTER_FDS_AT_ONCE;
        rc = send_order(s, STARTER_TAKE, 0, span_of(NULL, 0), fds + at, some);
    }
    return rc;
}

int starter_start(struct starter *s, struct span list, int channel, const int *sockets, size_t n, struct err *err)
{
    int rc = send_order(s, STARTER_BEGIN, 0, span_of(NULL, 0), NULL, 0);
    for (size_t at = 0, some; at < list.len && rc == 0; at += some) {
        some = list.len - at < STARTER_BYTES_AT_ONCE ? list.len - at : STARTER_BYTES_AT_ONCE;
        rc = send_order(s, STARTER_LIST, 0, span_of(list.ptr + at, some), NULL, 0);
    }
    if (rc == 0)
        rc = send_fds(s, &channel, 1);
    if (rc == 0)
        rc = send_fds(s, sockets, n);
    if (rc == 0)
        rc = send_order(s, STARTER_START, (int)n + 1, span_of(NULL, 0), NULL, 0);
    return rc == 0 ? 0 : refuse(err);
}

void starter_kill(struct starter *s, int number)
{
    if (send_order(s, STARTER_KILL, number, span_of(NULL, 0), NULL, 0) != 0)
        return; /* then it has ended, and its channel with it */
}

int starter_fd(const struct starter *s)
{
    return s->fd;
}

enum starter_event starter_hear(struct starter *s, int *value)
{
    struct starter_news news;
    ssize_t n = recv(s->fd, &news, sizeof(news), MSG_DONTWAIT);
    *value = 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return STARTER_NOTHING;
    if (n != (ssize_t)sizeof(news))
        return STARTER_GONE;
    *value = news.value;
    return news.event;
}
