/* SPDX-License-Identifier: Apache-2.0 */
#include "admin_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { TEMPORARY_ROOM = 12 }; /* ".", a process id and the NUL */

static int make_address(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof(address->sun_path))
        return -1;
    memcpy(address->sun_path, path, n + 1);
    return 0;
}

static void temporary_name(const struct admin_socket *s, char out[128])
{
    snprintf(out, 128, "%s.%ld", s->path, (long)getpid());
}

/* A process answers there: a full backlog is an answer, too. */
static bool is_alive(const char *path)
{
    struct sockaddr_un address;
    if (make_address(path, &address) != 0)
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true; /* unknown: better not to take it away */
    bool refused = connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 && (errno == ECONNREFUSED || errno == ENOENT);
    close(fd);
    return !refused;
}

static int refuse_length(const char *path, struct err *err)
{
    return err_set(err, ERR_IO, "admin socket \"%s\": a path of 1 to %zu bytes is needed", path, sizeof(((struct admin_socket *)NULL)->path) - TEMPORARY_ROOM - 1);
}

static bool is_too_long(const char *path)
{
    size_t n = strlen(path);
    return n == 0 || n + TEMPORARY_ROOM >= sizeof(((struct admin_socket *)NULL)->path);
}

enum listen_check admin_socket_check(const char *path, struct err *err)
{
    struct stat st;
    if (is_too_long(path))
        refuse_length(path, err);
    else if (lstat(path, &st) != 0 && errno == ENOENT)
        return LISTEN_CHECK_FINE;
    else if (lstat(path, &st) != 0)
        err_set(err, ERR_IO, "admin socket %s: %s", path, strerror(errno));
    else if (!S_ISSOCK(st.st_mode))
        err_set(err, ERR_IO, "admin socket %s: another file has this name; remove it or set another admin.socket", path);
    else if (!is_alive(path))
        return LISTEN_CHECK_FINE;
    else {
        err_set(err, ERR_IO, "admin socket %s: another instance answers there; stop it (mtlsd drain --socket %s) or set another admin.socket", path, path);
        return LISTEN_CHECK_IN_USE;
    }
    return LISTEN_CHECK_FAILS;
}

static int bind_privately(struct admin_socket *s, int fd, struct err *err)
{
    char temporary[128];
    struct sockaddr_un address;
    struct stat st;
    temporary_name(s, temporary);
    if (make_address(temporary, &address) != 0)
        return err_set(err, ERR_IO, "admin socket %s: the path is too long", s->path);
    unlink(temporary);
    /* the umask gives the socket file its mode, and between bind and chmod any user could connect: until listen no connection is accepted */
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        return err_set(err, ERR_IO, "admin socket %s: %s%s", s->path, strerror(errno),
                       errno == ENOENT ? "; make its folder first" : "");
    if (chmod(temporary, 0600) != 0 || lstat(temporary, &st) != 0) {
        err_set(err, ERR_IO, "admin socket %s: %s", s->path, strerror(errno));
        unlink(temporary);
        return -1;
    }
    s->device = st.st_dev;
    s->inode = st.st_ino;
    return 0;
}

int admin_socket_bind(struct admin_socket *s, const char *path, struct err *err)
{
    *s = (struct admin_socket){0};
    if (admin_socket_check(path, err) != LISTEN_CHECK_FINE)
        return -1;
    memcpy(s->path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(err, ERR_IO, "admin socket %s: %s", path, strerror(errno));
    if (bind_privately(s, fd, err) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int admin_socket_publish(struct admin_socket *s, struct err *err)
{
    char temporary[128];
    temporary_name(s, temporary);
    if (rename(temporary, s->path) != 0)
        return err_set(err, ERR_IO, "admin socket %s: %s", s->path, strerror(errno));
    return 0;
}

void admin_socket_own(struct admin_socket *s, const char *path)
{
    struct stat st;
    if (is_too_long(path) || lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    memcpy(s->path, path, strlen(path) + 1);
    s->device = st.st_dev;
    s->inode = st.st_ino;
}

static void remove_if_ours(const struct admin_socket *s, const char *path)
{
    struct stat st;
    if (lstat(path, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode)
        unlink(path);
}

void admin_socket_remove(const struct admin_socket *s)
{
    char temporary[128];
    temporary_name(s, temporary);
    remove_if_ours(s, s->path);
    remove_if_ours(s, temporary);
}
