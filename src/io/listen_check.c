/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/listen_check.h"

#include "admin_socket.h"
#include "listen_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static enum listen_check judge(int error)
{
    return error == 0                          ? LISTEN_CHECK_FINE
           : error == EADDRINUSE               ? LISTEN_CHECK_IN_USE
           : error == EACCES || error == EPERM ? LISTEN_CHECK_NO_RIGHT
                                               : LISTEN_CHECK_FAILS;
}

static enum listen_check say(const char *text, int error, struct err *err)
{
    if (error != 0)
        listen_fd_explain(text, error, err);
    return judge(error);
}

/* ---- tcp ---- */

/* 0, or the error number. Our own daemon shares its ports with its user, so that a second look finds out whether it may be that. */
static int try_bind(const struct addrinfo *ai)
{
    int fd = listen_fd_bind(ai, false);
    if (fd < 0 && errno == EADDRINUSE)
        fd = listen_fd_bind(ai, true);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static enum listen_check check_tcp(const struct address *address, const char *text, struct err *err)
{
    struct addrinfo *found = NULL;
    if (listen_fd_look_up(address, text, &found, err) != 0)
        return LISTEN_CHECK_FAILS;
    int error = try_bind(found);
    freeaddrinfo(found);
    if (!listen_fd_lacks_ipv6(address, error))
        return say(text, error, err);
    struct address v4 = *address;
    snprintf(v4.host, sizeof(v4.host), "0.0.0.0");
    return check_tcp(&v4, text, err);
}

/* ---- unix ---- */

/* The kernel's list of unix sockets: "Num: RefCount Protocol Flags Type St Inode Path". A connection would tell as much, but the daemon there
 * would log it. */
static bool is_listened_on(const char *path)
{
    enum { ACCEPTS = 0x10000 };
    FILE *list = fopen("/proc/net/unix", "re");
    char line[512], flags[16], name[256];
    bool found = false;
    while (list != NULL && !found && fgets(line, sizeof(line), list) != NULL)
        found = sscanf(line, "%*s %*s %*s %15s %*s %*s %*s %255[^\n]", flags, name) == 2 && (strtoul(flags, NULL, 16) & ACCEPTS) != 0 &&
                strcmp(name, path) == 0;
    if (list != NULL)
        fclose(list);
    return found;
}

/* 0, or the error that making a file there would end in. */
static int folder_error(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)] = ".";
    struct stat st;
    if (slash != NULL)
        snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
    if (stat(folder, &st) != 0)
        return errno;
    return !S_ISDIR(st.st_mode) ? ENOTDIR : faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0 ? errno : 0;
}

static enum listen_check check_unix(const struct address *address, const char *text, struct err *err)
{
    struct stat st;
    if (lstat(address->path, &st) != 0)
        return say(text, folder_error(address->path), err);
    if (!S_ISSOCK(st.st_mode)) {
        err_set(err, ERR_IO, "%s: cannot listen: another file has this name: remove it or choose another path", text);
        return LISTEN_CHECK_FAILS;
    }
    return say(text, is_listened_on(address->path) ? EADDRINUSE : folder_error(address->path), err);
}

enum listen_check listen_check_address(const struct address *address, const char *text, struct err *err)
{
    if (address->kind == ADDRESS_SYSTEMD)
        return LISTEN_CHECK_FINE; /* the service manager opens it, and passes it to run alone */
    return address->kind == ADDRESS_UNIX ? check_unix(address, text, err) : check_tcp(address, text, err);
}

enum listen_check listen_check_admin(const char *path, struct err *err)
{
    if (strncmp(path, "systemd:", 8) == 0)
        return LISTEN_CHECK_FINE;
    int error = folder_error(path);
    if (error == 0)
        return admin_socket_check(path, err);
    err_set(err, ERR_IO, "admin socket %s: %s%s", path, strerror(error), error == ENOENT || error == ENOTDIR ? "; make its folder first" : "");
    return judge(error);
}
