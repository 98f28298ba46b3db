/* SPDX-License-Identifier: Apache-2.0 */
#include "capacity.h"

#include "mtlsd/config/config.h"
#include "mtlsd/control/fd_share.h"

#include <stdio.h>
#include <sys/resource.h>

enum { SECOND_US = 1000 * 1000, FULL_US = 5 * SECOND_US, OUR_WATCHES = 8 /* below an eighth the others would have to have all the rest */ };

void capacity_raise_limit(struct capacity *c)
{
    struct rlimit limit = {1024, 1024};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    c->fd_limit = (size_t)limit.rlim_cur;
}

/* Far more than a process needs, unless the limit was lowered or the machine is small. */
static size_t read_watches(void)
{
    unsigned long n = 0;
    FILE *f = fopen("/proc/sys/fs/epoll/max_user_watches", "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%lu", &n) != 1)
        n = 0;
    fclose(f);
    return n;
}

void capacity_share(struct capacity *c, const struct config *config)
{
    size_t binds = 0;
    c->watches = read_watches();
    for (size_t i = 0; i < config->n_listeners; i++)
        binds += config->listeners[i].n_bind;
    c->most = fd_share_all(c->fd_limit, c->workers, binds);
    c->most_clients = fd_share_clients(c->most, config->max_connections);
}

bool capacity_take_client(struct capacity *c)
{
    size_t clients = atomic_fetch_add_explicit(&c->clients, 1, memory_order_relaxed) + 1;
    size_t most = atomic_load_explicit(&c->most, memory_order_relaxed);
    if (clients <= atomic_load_explicit(&c->most_clients, memory_order_relaxed) &&
        clients + atomic_load_explicit(&c->uplinks, memory_order_relaxed) <= most)
        return true;
    capacity_leave_client(c);
    return false;
}

void capacity_leave_client(struct capacity *c)
{
    atomic_fetch_sub_explicit(&c->clients, 1, memory_order_relaxed);
}

bool capacity_watches_are_scarce(const struct capacity *c)
{
    return atomic_load_explicit(&c->clients, memory_order_relaxed) + atomic_load_explicit(&c->uplinks, memory_order_relaxed) >=
           atomic_load_explicit(&c->watches, memory_order_relaxed) / OUR_WATCHES;
}

bool capacity_take_uplink(struct capacity *c)
{
    size_t uplinks = atomic_fetch_add_explicit(&c->uplinks, 1, memory_order_relaxed) + 1;
    if (uplinks + atomic_load_explicit(&c->clients, memory_order_relaxed) <= atomic_load_explicit(&c->most, memory_order_relaxed))
        return true;
    capacity_leave_uplink(c);
    return false;
}

void capacity_leave_uplink(struct capacity *c)
{
    atomic_fetch_sub_explicit(&c->uplinks, 1, memory_order_relaxed);
}

bool capacity_has_room(const struct capacity *c)
{
    return c->clients < c->most_clients && c->clients + c->uplinks + 2 <= c->most;
}

/* Clients go first: with three quarters of the descriptors in use, no connection is made ahead. */
bool capacity_has_plenty(const struct capacity *c)
{
    return c->clients + c->uplinks < c->most / 4 * 3;
}

bool capacity_is_full(struct capacity *c, uint64_t now_us)
{
    uint64_t last = c->refused_us;
    return last != 0 && now_us < last + FULL_US;
}

void capacity_refused(struct capacity *c, uint64_t now_us)
{
    c->refused++;
    c->untold++;
    c->refused_us = now_us;
}

uint64_t capacity_take_untold(struct capacity *c, uint64_t now_us)
{
    uint64_t told = c->told_us;
    if ((told != 0 && now_us < told + SECOND_US) || !atomic_compare_exchange_strong(&c->told_us, &told, now_us))
        return 0; /* another worker tells it at this moment */
    return atomic_exchange(&c->untold, 0);
}
