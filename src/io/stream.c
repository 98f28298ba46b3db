/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAITING_BYTES = 16 * 1024, RUNS = 60 };

struct waiting_write {
    uv_write_t req;
    size_t len;
    char data[WAITING_BYTES];
};

int stream_init(struct stream *s, uv_loop_t *loop, bool tcp, struct stream_buffer *buffer)
{
    memset(s, 0, sizeof(*s));
    s->is_tcp = tcp;
    s->buffer = buffer;
    s->u.handle.data = s;
    int rc = tcp ? uv_tcp_init(loop, &s->u.tcp) : uv_pipe_init(loop, &s->u.pipe, 0);
    s->u.handle.data = s;
    return rc;
}

int stream_open(struct stream *s, int fd)
{
    int rc = s->is_tcp ? uv_tcp_open(&s->u.tcp, fd) : uv_pipe_open(&s->u.pipe, fd);
    if (rc != 0)
        close(fd);
    return rc;
}

void stream_set_owner(struct stream *s, const struct stream_events *events, void *owner)
{
    s->events = events;
    s->owner = owner;
}

bool stream_can_send(const struct stream *s)
{
    return !s->writing && !s->closing && !s->shutting && !s->dead;
}

static void die(struct stream *s, int error)
{
    s->dead = true;
    s->error = error;
}

static void on_written(uv_write_t *req, int status)
{
    struct stream *s = req->handle->data;
    struct waiting_write *w = req->data;
    size_t len = w->len;
    free(w);
    s->writing = false;
    if (s->closing)
        return;
    if (status < 0)
        die(s, status);
    s->events->on_sent(s->owner, status < 0 ? 0 : len);
}

/* The socket is full: libuv watches it for us as long as it has something of ours to write. */
static void wait_for_room(struct stream *s, const struct span *runs, size_t n)
{
    struct waiting_write *w = malloc(sizeof(*w));
    if (w == NULL) {
        die(s, UV_ENOMEM);
        return;
    }
    size_t len = 0;
    for (size_t i = 0; i < n && len < sizeof(w->data); i++) {
        size_t part = runs[i].len < sizeof(w->data) - len ? runs[i].len : sizeof(w->data) - len;
        memcpy(w->data + len, runs[i].ptr, part);
        len += part;
    }
    w->req.data = w;
    w->len = len;
    uv_buf_t buf = uv_buf_init(w->data, (unsigned)len);
    int rc = uv_write(&w->req, &s->u.any, &buf, 1, on_written);
    if (rc != 0) {
        free(w);
        die(s, rc);
        return;
    }
    s->writing = true;
}

size_t stream_send(struct stream *s, const struct span *runs, size_t n)
{
    if (n == 0 || !stream_can_send(s))
        return 0;
    uv_buf_t bufs[RUNS];
    if (n > RUNS)
        n = RUNS;
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        bufs[i] = uv_buf_init((char *)(uintptr_t)runs[i].ptr, (unsigned)runs[i].len);
        total += runs[i].len;
    }
    int rc = uv_try_write(&s->u.any, bufs, (unsigned)n);
    if (rc == UV_EAGAIN)
        wait_for_room(s, runs, n);
    else if (rc < 0)
        die(s, rc);
    return rc > 0 ? (size_t)rc : 0;
}

bool stream_is_lost(const struct stream *s)
{
    uv_os_fd_t fd;
    char byte;
    if (!s->dead || s->ended || s->closing || uv_fileno(&s->u.handle, &fd) != 0)
        return s->dead;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static void stop_watching(struct stream *s)
{
    uv_read_stop(&s->u.any);
    s->watched = false;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct stream *s = handle->data;
    (void)suggested;
    s->asked = s->reading ? turn_allows(&s->buffer->turn, &s->seat, s->buffer->size) : 0;
    *buf = uv_buf_init(s->buffer->data, (unsigned)s->asked); /* none at all: UV_ENOBUFS */
}

static void on_read(uv_stream_t *handle, ssize_t n, const uv_buf_t *buf)
{
    struct stream *s = handle->data;
    if (n > 0) {
        s->emptied = (size_t)n < s->asked;
        turn_took(&s->buffer->turn, &s->seat, (size_t)n, s->asked);
        s->events->on_read(s->owner, span_of(buf->base, (size_t)n));
    } else if (n == UV_ENOBUFS && s->asked == 0) {
        stop_watching(s);
        if (s->reading)
            turn_wait(&s->buffer->turn, &s->seat);
    } else if (n < 0) {
        stop_watching(s);
        s->reading = false;
        s->ended = true;
        if (n == UV_EOF)
            s->events->on_end(s->owner);
        else
            s->events->on_error(s->owner, uv_strerror((int)n));
    }
}

static bool start_watching(struct stream *s)
{
    s->watched = s->watched || uv_read_start(&s->u.any, on_alloc, on_read) == 0;
    return s->watched;
}

/* Where the last read emptied the socket, a pause is mostly over before more comes: then the socket stays watched, and is no longer only when more
 * does come. Two calls of epoll_ctl less for each connection that waits for a handshake with its first bytes read. */
void stream_read(struct stream *s, bool on)
{
    if (s->reading == on || s->closing || (on && !start_watching(s)))
        return;
    s->reading = on;
    if (on)
        return;
    turn_leave(&s->buffer->turn, &s->seat);
    if (!s->emptied)
        stop_watching(s);
}

bool stream_begin_turn(struct stream_buffer *buffer)
{
    struct turn_seat *seat;
    turn_begin(&buffer->turn);
    while ((seat = turn_next(&buffer->turn)) != NULL) {
        struct stream *s = (struct stream *)((char *)seat - offsetof(struct stream, seat));
        start_watching(s); /* it was reading before: this cannot fail */
    }
    return turn_is_crowded(&buffer->turn);
}

void stream_shut(struct stream *s)
{
    s->shutting = s->shutting || !(s->writing || s->closing || s->dead);
}

/* Not by uv_shutdown, which would ask epoll once more for the events that it waits for already. */
void stream_end_turn(struct stream *s)
{
    uv_os_fd_t fd;
    if (!s->shutting || s->shut || s->closing || uv_fileno(&s->u.handle, &fd) != 0)
        return;
    s->shut = true;
    shutdown(fd, SHUT_WR); /* fails only where the connection has ended: reading tells */
}

static void on_close(uv_handle_t *handle)
{
    struct stream *s = handle->data;
    s->events->on_closed(s->owner);
}

void stream_close(struct stream *s, bool reset)
{
    if (s->closing)
        return;
    s->closing = true;
    turn_leave(&s->buffer->turn, &s->seat);
    if (reset && s->is_tcp && !s->shutting && uv_tcp_close_reset(&s->u.tcp, on_close) == 0)
        return;
    uv_close(&s->u.handle, on_close);
}
