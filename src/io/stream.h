/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connected socket on a loop: tcp or unix. Reads go to the worker's shared buffer and are valid for the call. Writes
 * are tried at once. If the socket is full, a small copy of the next bytes waits. These bytes are not sent yet: they stay
 * the caller's until on_sent reports them. The streams of a loop read in turns (proxy/turn.h):
 * a stream that used its share waits for stream_begin_turn.
 */
#ifndef MTLSD_IO_STREAM_H
#define MTLSD_IO_STREAM_H

#include "mtlsd/base/span.h"
#include "mtlsd/proxy/turn.h"

#include <uv.h>

struct stream_events {
    void (*on_read)(void *owner, struct span data);
    void (*on_end)(void *owner);
    void (*on_error)(void *owner, const char *text);
    void (*on_sent)(void *owner, size_t n); /* what had to wait has left: go on. 0: it could not */
    void (*on_closed)(void *owner); /* the last call: the memory may go */
};

struct stream_buffer { /* shared by all streams of a loop */
    char *data;
    size_t size;
    struct turn turn; /* how much of each is read before the others have theirs */
};

struct stream {
    union {
        uv_handle_t handle;
        uv_stream_t any;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } u;
    const struct stream_events *events;
    void *owner;
    struct stream_buffer *buffer;
    struct turn_seat seat;
    size_t asked; /* bytes of the last read */
    bool is_tcp, reading, writing, shutting, shut, closing;
    bool watched; /* libuv reads, or will say that something can be read */
    bool emptied; /* the last read took all that there was */
    bool dead;  /* a write failed; what the peer said before may still be read */
    bool ended; /* nothing more can be read */
    int error;  /* of libuv, of the write that failed */
};

int stream_init(struct stream *s, uv_loop_t *loop, bool tcp, struct stream_buffer *buffer);
/* Takes fd, a connected socket, also when it fails: 0, or an error of libuv. */
int stream_open(struct stream *s, int fd);
void stream_set_owner(struct stream *s, const struct stream_events *events, void *owner);
/* Sends from runs what the socket takes; gives how many bytes left. */
size_t stream_send(struct stream *s, const struct span *runs, size_t n);
bool stream_can_send(const struct stream *s);
/* A write failed, and nothing waits to be read that could tell more. */
bool stream_is_lost(const struct stream *s);
void stream_read(struct stream *s, bool on);
/* Ends our direction, by the next stream_end_turn: most streams are closed before, which says the same. Not while something waits to be sent. */
void stream_shut(struct stream *s);
void stream_end_turn(struct stream *s);
void stream_close(struct stream *s, bool reset);
/* Before each poll of the loop. True: some streams still wait, and the loop must not sleep. */
bool stream_begin_turn(struct stream_buffer *buffer);

#endif
