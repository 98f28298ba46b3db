/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <errno.h>
#include <sys/epoll.h>

/* An end or an error arrives without being asked for. libuv removes a descriptor that it does not know, but ends the process if its number is above all
 * that it ever watched. Such a descriptor is taken out again: that there was room is known, and libuv asks for it at once. */
static void leave_unknown(const uv_loop_t *loop, int fd)
{
    if ((unsigned)fd >= loop->nwatchers)
        epoll_ctl(uv_backend_fd(loop), EPOLL_CTL_DEL, fd, NULL);
}

int watch_reserve(const uv_loop_t *loop, int fd)
{
    struct epoll_event none = {.data.fd = fd};
    if (epoll_ctl(uv_backend_fd(loop), EPOLL_CTL_ADD, fd, &none) != 0 && errno != EEXIST)
        return uv_translate_sys_error(errno);
    leave_unknown(loop, fd);
    return 0;
}
