/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/inherited.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MOST = 1024, OTHERS_WRITE = 0002 };

struct inherited {
    int first;
    size_t n;
    char *text;         /* the names, each ended by NUL */
    const char **names; /* of text */
};

static long number(const char *text)
{
    if (text == NULL || text[0] == '\0' || strlen(text) > 10 || text[strspn(text, "0123456789")] != '\0')
        return -1;
    return strtol(text, NULL, 10);
}

/* A manager that is older than the names passes none: each is "unknown" then, as in sd_listen_fds(3). */
static void name_all(struct inherited *s, char *rest)
{
    for (size_t i = 0; i < s->n; i++) {
        s->names[i] = rest != NULL ? rest : "unknown";
        rest = rest != NULL ? strchr(rest, ':') : NULL;
        if (rest != NULL)
            *rest++ = '\0';
    }
}

/* Nothing that mtlsd may start gets them, and accept must not wait. Whom they accept inherits TCP_NODELAY; no other socket has it. */
static void prepare(int fd)
{
    int on = 1, flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

struct inherited *inherited_new(const struct inherited_env *env, int first, long us, struct err *err)
{
    long n = number(env->fds);
    if (n <= 0 || n > MOST || number(env->pid) != us)
        return NULL;
    struct inherited *s = calloc(1, sizeof(*s));
    if (s != NULL)
        *s = (struct inherited){first, (size_t)n, env->names != NULL ? strdup(env->names) : NULL, calloc((size_t)n, sizeof(*s->names))};
    if (s == NULL || s->names == NULL || (env->names != NULL && s->text == NULL)) {
        if (s != NULL)
            free(s->names);
        free(s);
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    name_all(s, s->text);
    for (size_t i = 0; i < s->n; i++)
        prepare(first + (int)i);
    return s;
}

struct inherited *inherited_of(const char *const *names, size_t n, int first)
{
    size_t size = 1;
    for (size_t i = 0; i < n; i++)
        size += strlen(names[i]) + 1;
    struct inherited *s = calloc(1, sizeof(*s));
    if (s != NULL)
        *s = (struct inherited){first, n, malloc(size), calloc(n, sizeof(*s->names))};
    if (s == NULL || s->text == NULL || s->names == NULL) {
        if (s != NULL) {
            free(s->text);
            free(s->names);
        }
        free(s);
        return NULL;
    }
    for (size_t i = 0, at = 0; i < n; i++) {
        size_t len = strlen(names[i]) + 1;
        memcpy(s->text + at, names[i], len);
        s->names[i] = s->text + at;
        at += len;
        prepare(first + (int)i);
    }
    return s;
}

void inherited_free(struct inherited *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n; i++)
        close(s->first + (int)i);
    free(s->text);
    free(s->names);
    free(s);
}

const char *inherited_name(const struct inherited *s, size_t i)
{
    return s != NULL && i < s->n ? s->names[i] : NULL;
}

int inherited_fd(const struct inherited *s, const char *name, size_t i)
{
    for (size_t k = 0; s != NULL && k < s->n; k++)
        if (strcmp(s->names[k], name) == 0 && i-- == 0)
            return s->first + (int)k;
    return -1;
}

int inherited_at(const struct inherited *s, size_t i)
{
    return s->first + (int)i;
}

int inherited_explain(const struct inherited *s, const char *name, struct err *err)
{
    char list[160] = "";
    for (size_t i = 0, len = 0; s != NULL && i < s->n && len < sizeof(list) - 1; i++) {
        int n = snprintf(list + len, sizeof(list) - len, "%s%s", i > 0 ? ", " : "", s->names[i]);
        len += n > 0 ? (size_t)n : 0;
    }
    if (list[0] == '\0')
        return err_set(err, ERR_IO,
                       "systemd:%s: the service manager passed no sockets: start the socket unit, which has FileDescriptorName=%s, instead of the service",
                       name, name);
    return err_set(err, ERR_IO, "systemd:%s: the service manager passed no socket of this name, but %s: set FileDescriptorName=%s in the [Socket] section", name,
                   list, name);
}

static bool is_loopback(const struct sockaddr_storage *at)
{
    if (at->ss_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)at)->sin_addr.s_addr) >> 24) == 127;
    if (at->ss_family == AF_INET6) {
        const struct in6_addr *a = &((const struct sockaddr_in6 *)at)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
    }
    return at->ss_family == AF_UNIX;
}

/* An abstract socket has no file whose mode could keep users away. */
static bool is_open_to_others(const struct sockaddr_storage *at)
{
    struct stat st;
    const struct sockaddr_un *unix_at = (const struct sockaddr_un *)at;
    if (at->ss_family != AF_UNIX)
        return false;
    return unix_at->sun_path[0] == '\0' || stat(unix_at->sun_path, &st) != 0 || (st.st_mode & OTHERS_WRITE) != 0;
}

int inherited_look(int fd, const char *name, struct inherited_kind *out, struct err *err)
{
    struct sockaddr_storage at = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(at), type_size = sizeof(int), listens_size = sizeof(int);
    int type = 0, listens = 0;
    if (getsockname(fd, (struct sockaddr *)&at, &size) != 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0)
        return err_set(err, ERR_IO, "systemd:%s: the descriptor that the service manager passed is no socket: %s", name, strerror(errno));
    if (type != SOCK_STREAM || (at.ss_family != AF_INET && at.ss_family != AF_INET6 && at.ss_family != AF_UNIX))
        return err_set(err, ERR_IO, "systemd:%s: the socket that the service manager passed is no stream socket: write ListenStream= in its unit", name);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) != 0 || listens == 0)
        return err_set(err, ERR_IO, "systemd:%s: the socket that the service manager passed does not listen: set Accept=no in its unit", name);
    *out = (struct inherited_kind){.tcp = at.ss_family != AF_UNIX, .loopback = is_loopback(&at), .open_to_others = is_open_to_others(&at)};
    return 0;
}
