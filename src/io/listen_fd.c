/* SPDX-License-Identifier: Apache-2.0 */
#include "listen_fd.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

int listen_fd_explain(const char *text, int error, struct err *err)
{
    const char *hint = "";
    if (error == EADDRINUSE)
        hint = " (another process listens there: stop it or choose another port; `ss -ltnp` names it)";
    else if (error == EACCES || error == EPERM)
        hint = " (ports below 1024 need root or CAP_NET_BIND_SERVICE; a unix socket needs a folder we may write to)";
    else if (error == EADDRNOTAVAIL)
        hint = " (this machine has no such address: `ip address` lists them)";
    else if (error == ENOENT || error == ENOTDIR)
        hint = " (make its folder first)";
    else if (error == EAFNOSUPPORT)
        hint = " (this machine has no IPv6: write an IPv4 address, as in \"0.0.0.0:8443\")";
    return err_set(err, ERR_IO, "%s: cannot listen: %s%s", text, strerror(error), hint);
}

int listen_fd_look_up(const struct address *address, const char *text, struct addrinfo **found, struct err *err)
{
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)address->port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    int rc = getaddrinfo(address->host[0] != '\0' ? address->host : "::", port, &hints, found);
    if (rc == 0)
        return 0;
    return err_set(err, ERR_IO, "%s: cannot listen: %s (the name does not resolve here: write an address of this machine, or \":%s\" for all)", text,
                   gai_strerror(rc), port);
}

int listen_fd_bind(const struct addrinfo *ai, bool share)
{
    int on = 1, off = 0;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* who is accepted inherits it: one call for all */
    if (share)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (ai->ai_family == AF_INET6) /* ":8443" means IPv4 too */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int bound(const struct addrinfo *ai)
{
    int fd = listen_fd_bind(ai, true);
    if (fd < 0 || listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

bool listen_fd_lacks_ipv6(const struct address *address, int error)
{
    return address->host[0] == '\0' && (error == EAFNOSUPPORT || error == EADDRNOTAVAIL);
}

/* Our workers share a port by SO_REUSEPORT, and so could a second daemon of the same user without anyone noticing: a socket that does not
 * share finds out first. It never listens: a client that connected to it would be reset. */
static int bound_first(const struct addrinfo *ai, bool first)
{
    if (first) {
        int probe = listen_fd_bind(ai, false);
        if (probe < 0)
            return -1;
        close(probe);
    }
    return bound(ai);
}

static int open_tcp(const struct address *address, const char *text, bool first, struct err *err)
{
    struct addrinfo *found = NULL;
    if (listen_fd_look_up(address, text, &found, err) != 0)
        return -1;
    int fd = bound_first(found, first);
    int error = errno;
    freeaddrinfo(found);
    if (fd < 0 && listen_fd_lacks_ipv6(address, error)) {
        struct address v4 = *address;
        snprintf(v4.host, sizeof(v4.host), "0.0.0.0");
        return open_tcp(&v4, text, first, err);
    }
    return fd >= 0 ? fd : listen_fd_explain(text, error, err);
}

static bool somebody_answers(const struct sockaddr_un *name)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool answers = fd >= 0 && (connect(fd, (const struct sockaddr *)name, sizeof(*name)) == 0 || errno == EAGAIN);
    if (fd >= 0)
        close(fd);
    return answers;
}

static int open_unix(const struct address *address, const char *text, struct err *err)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (strlen(address->path) >= sizeof(name.sun_path))
        return listen_fd_explain(text, ENAMETOOLONG, err);
    memcpy(name.sun_path, address->path, strlen(address->path) + 1);
    struct stat st;
    if (lstat(address->path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode))
            return err_set(err, ERR_IO, "%s: cannot listen: another file has this name: remove it or choose another path", text);
        if (somebody_answers(&name))
            return listen_fd_explain(text, EADDRINUSE, err);
        unlink(address->path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t old = umask(0117); /* 0660 from the start: no moment in which others could connect */
    bool ok = fd >= 0 && bind(fd, (const struct sockaddr *)&name, sizeof(name)) == 0 && listen(fd, BACKLOG) == 0;
    int error = errno;
    umask(old);
    if (ok)
        return fd;
    if (fd >= 0)
        close(fd);
    return listen_fd_explain(text, error, err);
}

int listen_fd_open(const struct address *address, const char *text, bool first, struct err *err)
{
    return address->kind == ADDRESS_UNIX ? open_unix(address, text, err) : open_tcp(address, text, first, err);
}
