/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers and closes clients beyond the limit: a few bytes, no handshake, no parser. A client that still sends at the
 * close would get a reset, which may overtake the answer. So the last few are kept for a moment, and their bytes are
 * dropped.
 */
#ifndef MTLSD_IO_REFUSING_H
#define MTLSD_IO_REFUSING_H

#include "mtlsd/base/span.h"

#include <uv.h>

enum { REFUSING_KEPT = 4 };

struct refusing {
    uv_timer_t timer;
    int like;  /* borrowed: any descriptor that stays open */
    int spare; /* a descriptor to accept one more with, where none is left; -1: not now */
    struct refused {
        int fd;
        uint64_t until_us;
    } kept[REFUSING_KEPT]; /* the oldest first */
    size_t n;
};

void refusing_init(struct refusing *r, uv_loop_t *loop);
/* Frees a descriptor, for a client that is refused. */
bool refusing_use_spare(struct refusing *r);
/* Takes fd. words: none, and it is reset. */
void refusing_add(struct refusing *r, int fd, struct span words);
void refusing_close(struct refusing *r);

#endif
