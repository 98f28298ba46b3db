/* SPDX-License-Identifier: Apache-2.0 */
/* The process of starter.h, and what the daemon and it say to each other: one message each, on a socket that keeps their ends. */
#ifndef MTLSD_IO_STARTER_PROCESS_H
#define MTLSD_IO_STARTER_PROCESS_H

#include "mtlsd/io/starter.h"

enum { STARTER_FDS_AT_ONCE = 200, STARTER_BYTES_AT_ONCE = 16384 };

enum starter_word {
    STARTER_BEGIN, /* forget what came */
    STARTER_LIST,  /* more of the list follows in the message */
    STARTER_TAKE,  /* descriptors come with it */
    STARTER_START, /* value: how many came */
    STARTER_KILL,  /* value: the signal */
};

struct starter_order {
    enum starter_word word;
    int value;
};

struct starter_news {
    enum starter_event event;
    int value;
};

/* Serves the daemon at the other end of fd until it ends. */
_Noreturn void starter_process(int fd, const struct own_program *program, const char *user, const char *group);

#endif
