/* SPDX-License-Identifier: Apache-2.0 */
#include "key_channel.h"

#include "mtlsd/io/clock.h"
#include "mtlsd/keys/key_message.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 4096, STEP_MS = 1000 };

/* Waiting in recv saves a call of poll for each signature. It ends often enough to look at the deadline. */
static void limit_wait(int fd)
{
    const struct timeval step = {.tv_sec = STEP_MS / 1000};
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &step, sizeof(step));
}

void key_channel_init(struct key_channel *c, int fd)
{
    *c = (struct key_channel){.fd = fd};
    atomic_init(&c->taken, false);
    limit_wait(fd);
    bytes_init(&c->out, KEY_REQUEST_MAX + KEY_HEAD_BYTES);
    bytes_init(&c->in, KEY_ANSWER_MAX + KEY_HEAD_BYTES + READ_BYTES);
}

void key_channel_clear(struct key_channel *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    bytes_clear(&c->out);
    bytes_clear(&c->in);
}

/* ---- bytes ---- */

/* 1: some; 0: not now; -1: the other end is closed, or memory ran out. */
static int move_some(struct key_channel *c, int flags)
{
    ssize_t n;
    if (c->out.len > 0) {
        struct span s = bytes_span(&c->out);
        n = send(c->fd, s.ptr, s.len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0)
            bytes_consume(&c->out, (size_t)n);
    } else {
        uint8_t *room = bytes_reserve(&c->in, READ_BYTES);
        n = room != NULL ? recv(c->fd, room, READ_BYTES, flags) : 0;
        if (n > 0)
            bytes_commit(&c->in, (size_t)n);
    }
    if (n > 0)
        return 1;
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? 0 : -1;
}

static bool has_answer(struct key_channel *c, struct span *message, bool *broken)
{
    uint32_t number = 0;
    int found = key_message_frame(bytes_span(&c->in), KEY_ANSWER_MAX, &number, message, &c->answer_bytes);
    *broken = found < 0 || (found == 1 && number != c->number);
    return found == 1 && !*broken;
}

static enum key_channel_outcome pump(struct key_channel *c, int within_ms, struct span *message)
{
    uint64_t end_us = within_ms > 0 ? clock_monotonic_us() + (uint64_t)within_ms * 1000 : 0;
    bool broken = false;
    while (c->out.len > 0 || !has_answer(c, message, &broken)) {
        int rc = broken ? -1 : move_some(c, within_ms > 0 ? 0 : MSG_DONTWAIT);
        if (rc < 0)
            return KEY_CHANNEL_ENDED;
        if (rc == 0 && (within_ms == 0 || clock_monotonic_us() >= end_us))
            return KEY_CHANNEL_LATE;
        struct pollfd full = {.fd = c->fd, .events = POLLOUT};
        if (rc == 0 && c->out.len > 0)
            poll(&full, 1, STEP_MS);
    }
    return KEY_CHANNEL_ANSWERED;
}

/* ---- one thread at a time ---- */

bool key_channel_take(struct key_channel *c)
{
    struct span late;
    if (atomic_load_explicit(&c->taken, memory_order_relaxed) || atomic_exchange_explicit(&c->taken, true, memory_order_acquire))
        return false;
    c->answered = c->awaiting && pump(c, 0, &late) == KEY_CHANNEL_ANSWERED;
    if (c->answered)
        key_channel_read(c);
    if (!c->awaiting)
        return true;
    key_channel_give_back(c);
    return false;
}

void key_channel_give_back(struct key_channel *c)
{
    atomic_store_explicit(&c->taken, false, memory_order_release);
}

uint32_t key_channel_next(struct key_channel *c)
{
    return ++c->number;
}

void key_channel_forget(struct key_channel *c)
{
    bytes_clear(&c->out);
}

enum key_channel_outcome key_channel_talk(struct key_channel *c, int within_ms, struct span *message)
{
    c->awaiting = true;
    return pump(c, within_ms, message);
}

void key_channel_read(struct key_channel *c)
{
    bytes_consume(&c->in, c->answer_bytes);
    c->awaiting = false;
}
