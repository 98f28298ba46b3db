/* SPDX-License-Identifier: Apache-2.0 */
/* A spare descriptor to accept with when none is left. */
#ifndef MTLSD_IO_SPARE_FD_H
#define MTLSD_IO_SPARE_FD_H

#include <stdbool.h>

/* Begin with -1. Takes one, unless it is there or none can be had. */
void spare_fd_take(int *spare);
/* Closes fd. If the spare one is not there fd's number becomes it, in one step, so that no other thread gets it in between. like: any that is open. */
void spare_fd_replace(int *spare, int fd, int like);
/* Frees it for another use. False: it was not there. */
bool spare_fd_use(int *spare);

#endif
