/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct notify {
    int fd;
    struct sockaddr_un to;
    socklen_t to_len;
};

/* An abstract name has a NUL in front and none at its end. */
static bool make_address(struct notify *n, const char *name)
{
    size_t len = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(n->to.sun_path))
        return false;
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, name, len + 1);
    n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/' ? 1 : 0));
    if (name[0] == '@')
        n->to.sun_path[0] = '\0';
    return true;
}

struct notify *notify_new(const char *name, const char **reason)
{
    *reason = NULL;
    if (name == NULL || name[0] == '\0')
        return NULL;
    struct notify *n = calloc(1, sizeof(*n));
    if (n == NULL || !make_address(n, name)) {
        *reason = n == NULL ? "out of memory" : "it is neither an absolute path nor an abstract name that begins with @, or it is too long";
        free(n);
        return NULL;
    }
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (n->fd >= 0)
        return n;
    *reason = strerror(errno);
    free(n);
    return NULL;
}

bool notify_send(struct notify *n, const char *text)
{
    if (n == NULL)
        return true;
    return sendto(n->fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&n->to, n->to_len) >= 0;
}

void notify_free(struct notify *n)
{
    if (n == NULL)
        return;
    close(n->fd);
    free(n);
}
