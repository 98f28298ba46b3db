/* SPDX-License-Identifier: Apache-2.0 */
/* Divides the file descriptors of the process. Clients are refused while descriptors are left for open requests, lookups, reloads and the admin
 * socket (security D5, C13). */
#ifndef MTLSD_CONTROL_FD_SHARE_H
#define MTLSD_CONTROL_FD_SHARE_H

#include <stddef.h>

/* Descriptors that the clients and upstream connections of all workers may have together. limit: of the process; binds: addresses listened on. */
size_t fd_share_all(size_t limit, unsigned workers, size_t binds);
/* The minimum to serve one client in each worker. */
size_t fd_share_least(unsigned workers, size_t binds);
/* Clients at once, of what fd_share_all gave: a client has one descriptor until it asks for something, and some are kept for what is asked.
 * configured: limits.connections, 0: as many as fit. Never 0. */
size_t fd_share_clients(size_t all, unsigned configured);

#endif
