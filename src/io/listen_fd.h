/* SPDX-License-Identifier: Apache-2.0 */
/* Makes listening descriptors. Refuses an address that another process listens on, even one that would share it. */
#ifndef MTLSD_IO_LISTEN_FD_H
#define MTLSD_IO_LISTEN_FD_H

#include "mtlsd/base/address.h"

/* A descriptor that listens, non-blocking, close-on-exec; -1 + err (ERR_IO). first: nothing of ours listens there yet, so whoever does is
 * a stranger. A unix socket is made mode 0660; a file left behind by a dead process is replaced. */
MUST_CHECK int listen_fd_open(const struct address *address, const char *text, bool first, struct err *err);

#endif
