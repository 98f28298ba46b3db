/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <errno.h>
#include <sys/epoll.h>

int watch_reserve(const uv_loop_t *loop, int fd)
{
    struct epoll_event none = {.data.fd = fd}; /* an end or an error arrives anyway: libuv removes descriptors that it does not know */
    if (epoll_ctl(uv_backend_fd(loop), EPOLL_CTL_ADD, fd, &none) == 0 || errno == EEXIST)
        return 0;
    return uv_translate_sys_error(errno);
}
