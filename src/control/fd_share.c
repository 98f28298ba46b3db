/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/fd_share.h"

enum {
    COMMON_MOST = 48,  /* standard streams, log, admin socket and who talks to it, look-ups, files of a reload */
    COMMON_LEAST = 20, /* fewer of these at once */
    PER_WORKER = 10,   /* its loop: epoll, event, timer; clients that were told that all is full, and are being closed; a spare one */
    PER_BIND = 3,      /* in each worker: the socket, a socket that a reload opens beside it, a client that waits for a place */
    LEAST = 2,         /* for each worker one client with its upstream: slow, but it serves */
    SPARE_PART = 4,    /* of all, for what clients ask for */
};

static size_t common_part(size_t limit)
{
    size_t part = limit / 4;
    return part < COMMON_LEAST ? COMMON_LEAST : part > COMMON_MOST ? COMMON_MOST : part;
}

static size_t workers_part(unsigned workers, size_t binds)
{
    return workers * (PER_WORKER + PER_BIND * binds);
}

size_t fd_share_least(unsigned workers, size_t binds)
{
    return COMMON_LEAST + workers_part(workers, binds) + (size_t)workers * LEAST;
}

size_t fd_share_all(size_t limit, unsigned workers, size_t binds)
{
    size_t fixed = common_part(limit) + workers_part(workers, binds), least = (size_t)workers * LEAST;
    size_t all = limit > fixed ? limit - fixed : 0;
    return all > least ? all : least;
}

size_t fd_share_clients(size_t all, unsigned configured)
{
    size_t spare = all / SPARE_PART > 0 ? all / SPARE_PART : 1;
    size_t fit = all > spare + 1 ? all - spare : 1;
    return configured > 0 && configured < fit ? configured : fit;
}
