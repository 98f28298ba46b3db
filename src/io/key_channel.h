/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One socketpair to the key process, for one thread at a time. An answer that does not come in time is late: it is waited for no more, and read when
 * the channel is taken the next time. So a channel never takes the answer to one request for that to another.
 */
#ifndef MTLSD_IO_KEY_CHANNEL_H
#define MTLSD_IO_KEY_CHANNEL_H

#include "mtlsd/base/bytes.h"
#include <stdatomic.h>

struct key_channel {
    atomic_bool taken;
    int fd;
    uint32_t number;      /* of the last request */
    bool awaiting;        /* its answer */
    bool answered;        /* late answers have come since it was taken */
    size_t answer_bytes;  /* of in */
    struct bytes out, in; /* what is not yet sent, and what has come of the answer */
};

enum key_channel_outcome { KEY_CHANNEL_ANSWERED, KEY_CHANNEL_LATE, KEY_CHANNEL_ENDED };

void key_channel_init(struct key_channel *c, int fd);
void key_channel_clear(struct key_channel *c);

/* False: another thread has it, or an answer on it is still late. */
bool key_channel_take(struct key_channel *c);
void key_channel_give_back(struct key_channel *c);

uint32_t key_channel_next(struct key_channel *c); /* the number of the next request, which the caller then puts into out; */
void key_channel_forget(struct key_channel *c);   /* or it could not */
/* Sends out and waits for the answer. The message is borrowed until key_channel_read. */
enum key_channel_outcome key_channel_talk(struct key_channel *c, int within_ms, struct span *message);
void key_channel_read(struct key_channel *c);

#endif
