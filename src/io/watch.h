/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libuv ends the process if epoll refuses to watch one more descriptor (ENOSPC: fs.epoll.max_user_watches is reached;
 * ENOMEM). Changing a descriptor that is already in the loop's set cannot fail. So it is added here, for no event yet,
 * before libuv uses it. libuv still tries to add it, which costs two system calls: connections pay them only when many
 * are watched (capacity_watches_are_scarce).
 */
#ifndef MTLSD_IO_WATCH_H
#define MTLSD_IO_WATCH_H

#include <uv.h>

/* 0, or an error of libuv: then the loop must not be given fd. */
int watch_reserve(const uv_loop_t *loop, int fd);

#endif
