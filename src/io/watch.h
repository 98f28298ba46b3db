/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libuv ends the process when epoll refuses to watch one more descriptor (ENOSPC: fs.epoll.max_user_watches is reached; ENOMEM). A descriptor that is in
 * the loop's set already is only changed there, which cannot fail: so it is put there, for no event yet, before libuv is told of it. libuv tries to add it
 * all the same, so that this costs two system calls: connections pay them only when many are watched (capacity_watches_are_scarce).
 */
#ifndef MTLSD_IO_WATCH_H
#define MTLSD_IO_WATCH_H

#include <uv.h>

/* 0, or an error of libuv: then the loop must not be given fd. */
int watch_reserve(const uv_loop_t *loop, int fd);

#endif
