/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/notify_listener.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct notify_listener {
    int fd;
};

struct notify_listener *notify_listener_new(char name[NOTIFY_NAME_SIZE], struct err *err)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(at);
    struct notify_listener *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    l->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    /* No name given: the kernel chooses an abstract one of five hex digits (unix(7), autobind). */
    if (l->fd >= 0 && bind(l->fd, (struct sockaddr *)&at, offsetof(struct sockaddr_un, sun_path)) == 0 &&
        getsockname(l->fd, (struct sockaddr *)&at, &size) == 0) {
        int n = (int)(size - offsetof(struct sockaddr_un, sun_path));
        snprintf(name, NOTIFY_NAME_SIZE, "@%.*s", n - 1, at.sun_path + 1);
        return l;
    }
    err_set(err, ERR_IO, "cannot make a socket: %s", strerror(errno));
    notify_listener_free(l);
    return NULL;
}

static bool has_line(const char *text, const char *line)
{
    size_t n = strlen(line);
    for (const char *at = text; at != NULL; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, line, n) == 0 && (at[n] == '\0' || at[n] == '\n'))
            return true;
    }
    return false;
}

bool notify_listener_hears(struct notify_listener *l, const char *line, unsigned within_ms)
{
    struct pollfd fd = {.fd = l->fd, .events = POLLIN};
    char text[1024];
    if (poll(&fd, 1, (int)within_ms) != 1)
        return false;
    ssize_t n = recv(l->fd, text, sizeof(text) - 1, MSG_DONTWAIT);
    text[n > 0 ? n : 0] = '\0';
    return has_line(text, line);
}

void notify_listener_free(struct notify_listener *l)
{
    if (l == NULL)
        return;
    if (l->fd >= 0)
        close(l->fd);
    free(l);
}
