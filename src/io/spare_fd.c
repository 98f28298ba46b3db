/* SPDX-License-Identifier: Apache-2.0 */
#include "spare_fd.h"

#include <fcntl.h>
#include <unistd.h>

void spare_fd_take(int *spare)
{
    if (*spare < 0)
        *spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void spare_fd_replace(int *spare, int fd, int like)
{
    if (*spare < 0 && dup3(like, fd, O_CLOEXEC) == fd)
        *spare = fd;
    else
        close(fd);
}

bool spare_fd_use(int *spare)
{
    if (*spare < 0)
        return false;
    close(*spare);
    *spare = -1;
    return true;
}
