/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/fd_share.h"

enum {
    COMMON = 48,     /* standard streams, log, admin socket and who talks to it, look-ups, files of a reload */
    PER_WORKER = 6,  /* its loop: epoll, event, timer */
    PER_BIND = 3,    /* in each worker: the socket, one that a reload opens beside it, the client it has taken and cannot serve yet */
    LEAST = 2,       /* one client with its upstream: slow, but it serves */
};

static size_t fixed_part(unsigned workers, size_t binds)
{
    return COMMON + workers * (PER_WORKER + PER_BIND * binds);
}

size_t fd_share_least(unsigned workers, size_t binds)
{
    return fixed_part(workers, binds) + (size_t)workers * LEAST;
}

size_t fd_share_per_worker(size_t limit, unsigned workers, size_t binds)
{
    size_t fixed = fixed_part(workers, binds);
    size_t share = limit > fixed ? (limit - fixed) / workers : 0;
    return share > LEAST ? share : LEAST;
}

size_t fd_share_clients(size_t per_worker, unsigned workers, unsigned configured)
{
    size_t fit = per_worker / 2;
    size_t wanted = configured > 0 ? (configured + workers - 1) / workers : fit;
    size_t n = wanted < fit ? wanted : fit;
    return n > 0 ? n : 1;
}
