/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state of a connection | event              | what is done                          | next
 * READING               | part of a request  | nothing                               | READING
 * READING               | its head           | the answer is made, not yet sent      | READING
 * READING               | its end            | the answer is sent, or reload begins  | ANSWERING or WAITING
 * READING               | bad, end of input  | the refusal is sent, or close         | ANSWERING or CLOSED
 * WAITING               | reloaded           | the answer is sent                    | ANSWERING
 * ANSWERING             | sent, or an error  | close                                 | CLOSED
 * any                   | 10 s, stop         | close                                 | CLOSED
 */
#include "mtlsd/io/admin_listener.h"

#include "acceptor.h"
#include "spare_fd.h"
#include "watch.h"
#include "admin_socket.h"
#include "mtlsd/http/http1.h"
#include "mtlsd/policy/reason.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum {
    MAX_CONNECTIONS = 16,
    MAX_REQUEST = 64 << 10,
    MAX_HEAD = 16 << 10,
    MAX_FIELDS = 50,
    MAX_ANSWER = 65 << 20,
    TIMEOUT_MS = 10000,
    READ_SIZE = 4096,
};

enum state { READING, WAITING, ANSWERING, CLOSED };

struct admin_pending { /* a connection; named after the one thing others hold it for */
    struct admin_listener *owner;
    struct admin_pending *next, *previous;
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_write_t write;
    enum state state;
    unsigned open_handles;
    bool reloading; /* the hook has not answered yet: the memory stays */
    struct http1 *parser;
    size_t received;
    enum admin_action action;
    struct bytes out;
    char asked_by[48];
    char buffer[READ_SIZE];
};

struct admin_listener {
    uv_loop_t *loop; /* borrowed */
    struct acceptor acceptor;
    struct admin_hooks hooks;
    struct admin_socket file;
    struct admin_pending *connections;
    size_t n_connections;
    int spare; /* a descriptor to accept one more with, where none is left; -1: not now */
    bool stopped, closed; /* closed: the loop holds it no more */
};

static void free_listener_when_done(struct admin_listener *l)
{
    if (l->closed && l->n_connections == 0)
        free(l);
}

static void free_connection_when_done(struct admin_pending *c)
{
    if (c->open_handles > 0 || c->reloading)
        return;
    struct admin_listener *l = c->owner;
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        l->connections = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    l->n_connections--;
    http1_free(c->parser);
    bytes_clear(&c->out);
    free(c);
    free_listener_when_done(l);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct admin_pending *c = handle->data;
    c->open_handles--;
    free_connection_when_done(c);
}

static void close_connection(struct admin_pending *c)
{
    if (c->state == CLOSED)
        return;
    c->state = CLOSED;
    uv_close((uv_handle_t *)&c->pipe, on_handle_closed);
    uv_close((uv_handle_t *)&c->timer, on_handle_closed);
    if (!c->owner->stopped)
        spare_fd_take(&c->owner->spare); /* before another one takes what has become free */
}

static void on_timeout(uv_timer_t *timer)
{
    close_connection(timer->data);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    close_connection(write->data);
}

static void send_answer(struct admin_pending *c)
{
    struct span answer = bytes_span(&c->out);
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)answer.ptr, (unsigned)answer.len);
    c->state = ANSWERING;
    c->write.data = c;
    uv_read_stop((uv_stream_t *)&c->pipe);
    uv_timer_start(&c->timer, on_timeout, TIMEOUT_MS, 0);
    if (answer.len == 0 || uv_write(&c->write, (uv_stream_t *)&c->pipe, &buf, 1, on_written) != 0)
        close_connection(c);
}

static void carry_out(struct admin_pending *c)
{
    const struct admin_hooks hooks = c->owner->hooks;
    switch (c->action) {
    case ADMIN_ANSWERED:
        send_answer(c);
        return;
    case ADMIN_DRAIN:
        send_answer(c);
        hooks.drain(hooks.ctx); /* may stop the listener */
        return;
    case ADMIN_RELOAD:
        c->state = WAITING;
        c->reloading = true;
        uv_read_stop((uv_stream_t *)&c->pipe);
        uv_timer_stop(&c->timer); /* the wait is ours now, not the caller's */
        hooks.reload(hooks.ctx, c);
        return;
    case ADMIN_FAILED:
        break;
    }
    close_connection(c);
}

static void refuse(struct admin_pending *c, unsigned status, const char *detail)
{
    bytes_clear(&c->out);
    if (admin_answer_error(&c->out, status, detail) == 0)
        send_answer(c);
    else
        close_connection(c);
}

/* The answer is made while the head is there, and used when the whole request is. */
static void make_answer(struct admin_pending *c)
{
    const struct admin_hooks *hooks = &c->owner->hooks;
    const struct admin_question question = {http1_head(c->parser), c->asked_by};
    c->action = admin_answer(&c->out, &question, hooks->view(hooks->ctx));
}

static void feed(struct admin_pending *c, struct span in)
{
    struct span data;
    while (c->state == READING) {
        switch (http1_next(c->parser, &in, &data)) {
        case HTTP1_HEAD:
            make_answer(c);
            break;
        case HTTP1_DATA:
        case HTTP1_TRAILERS:
            break;
        case HTTP1_END:
            carry_out(c);
            return;
        case HTTP1_BAD:
            refuse(c, reason_row(http1_reason(c->parser))->http_status, http1_detail(c->parser));
            return;
        case HTTP1_UPGRADED: /* of responses only */
        case HTTP1_MORE:
            return;
        }
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct admin_pending *c = handle->data;
    *buf = uv_buf_init(c->buffer, sizeof(c->buffer));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct admin_pending *c = stream->data;
    if (n < 0) {
        close_connection(c);
        return;
    }
    c->received += (size_t)n;
    if (c->received > MAX_REQUEST)
        refuse(c, 413, "a request here is a few hundred bytes");
    else
        feed(c, span_of(buf->base, (size_t)n));
}

static struct admin_pending *new_connection(struct admin_listener *l)
{
    struct admin_pending *c = calloc(1, sizeof(*c));
    struct http1 *parser = c != NULL ? http1_new(true, MAX_HEAD, MAX_FIELDS) : NULL;
    if (parser == NULL) {
        free(c);
        return NULL;
    }
    c->owner = l;
    c->parser = parser;
    bytes_init(&c->out, MAX_ANSWER);
    uv_pipe_init(l->loop, &c->pipe, 0);
    uv_timer_init(l->loop, &c->timer);
    c->open_handles = 2;
    c->pipe.data = c;
    c->timer.data = c;
    c->next = l->connections;
    if (c->next != NULL)
        c->next->previous = c;
    l->connections = c;
    l->n_connections++;
    return c;
}

static void name_user(struct admin_pending *c, int fd)
{
    struct ucred user;
    socklen_t size = sizeof(user);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &size) == 0)
        snprintf(c->asked_by, sizeof(c->asked_by), "uid %u on the admin socket", (unsigned)user.uid);
    else
        snprintf(c->asked_by, sizeof(c->asked_by), "the admin socket");
}

static void on_client(void *owner, int fd, const struct sockaddr_storage *from)
{
    struct admin_listener *l = owner;
    struct admin_pending *c = l->n_connections < MAX_CONNECTIONS ? new_connection(l) : NULL;
    (void)from;
    if (c == NULL) {
        close(fd); /* too many at once are hung up on */
        return;
    }
    name_user(c, fd);
    int rc = watch_reserve(l->loop, fd);
    if (rc == 0)
        rc = uv_pipe_open(&c->pipe, fd);
    if (rc != 0)
        close(fd);
    if (rc != 0 || uv_timer_start(&c->timer, on_timeout, TIMEOUT_MS, 0) != 0 || uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) != 0)
        close_connection(c);
}

/* A status request is answered when all descriptors are in use: one at a time. */
static enum acceptor_help on_shortage(void *owner, int error, bool lasts)
{
    struct admin_listener *l = owner;
    (void)error;
    (void)lasts;
    spare_fd_take(&l->spare); /* if a worker got it */
    return spare_fd_use(&l->spare) ? ACCEPTOR_SERVE_ONE : ACCEPTOR_NO_HELP;
}

static void on_listener_closed(void *owner)
{
    struct admin_listener *l = owner;
    l->closed = true;
    free_listener_when_done(l);
}

static const struct acceptor_events events = {.on_client = on_client, .on_shortage = on_shortage, .on_closed = on_listener_closed};

/* From here on the loop holds l, so a failure closes it like a stop does. */
static int accept_on(struct admin_listener *l, struct uv_loop_s *loop, int fd, const char *place, struct err *err)
{
    l->loop = loop;
    int rc = acceptor_start(&l->acceptor, loop, fd, place, &events, l);
    return rc == 0 ? 0 : err_set(err, ERR_IO, "admin socket %s: %s", place, uv_strerror(rc));
}

static int listen_on(struct admin_listener *l, struct uv_loop_s *loop, int fd, struct err *err)
{
    int listening = listen(fd, MAX_CONNECTIONS), error = errno;
    if (accept_on(l, loop, fd, l->file.path, err) != 0)
        return -1;
    if (listening != 0)
        return err_set(err, ERR_IO, "admin socket %s: %s", l->file.path, strerror(error));
    return admin_socket_publish(&l->file, err);
}

static struct admin_listener *new_listener(const char *place, const struct admin_hooks *hooks, struct err *err)
{
    struct admin_listener *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        err_set(err, ERR_MEMORY, "admin socket %s: out of memory", place);
        return NULL;
    }
    l->hooks = *hooks;
    l->spare = -1;
    spare_fd_take(&l->spare);
    return l;
}

struct admin_listener *admin_listener_start(struct uv_loop_s *loop, const char *path, const struct admin_hooks *hooks, struct err *err)
{
    struct admin_listener *l = new_listener(path, hooks, err);
    if (l == NULL)
        return NULL;
    int fd = admin_socket_bind(&l->file, path, err);
    if (fd < 0) {
        spare_fd_use(&l->spare);
        free(l);
        return NULL;
    }
    if (listen_on(l, loop, fd, err) == 0)
        return l;
    admin_listener_stop(l);
    return NULL;
}

struct admin_listener *admin_listener_start_on(struct uv_loop_s *loop, int fd, const char *text, const struct admin_hooks *hooks, struct err *err)
{
    struct admin_listener *l = new_listener(text, hooks, err);
    if (l == NULL) {
        close(fd);
        return NULL;
    }
    if (accept_on(l, loop, fd, text, err) == 0)
        return l;
    admin_listener_stop(l);
    return NULL;
}

void admin_listener_stop(struct admin_listener *l)
{
    if (l == NULL || l->stopped)
        return;
    l->stopped = true;
    if (l->file.path[0] != '\0')
        admin_socket_remove(&l->file);
    for (struct admin_pending *c = l->connections; c != NULL; c = c->next)
        if (c->state != ANSWERING) /* what is being said may be finished: its timer ends it */
            close_connection(c);
    acceptor_close(&l->acceptor);
    spare_fd_use(&l->spare);
}

void admin_listener_reloaded(struct admin_pending *c, const struct admin_reload *result)
{
    assert(c->reloading);
    c->reloading = false;
    if (c->state != WAITING)
        free_connection_when_done(c);
    else if (admin_answer_reload(&c->out, result) == 0)
        send_answer(c);
    else
        close_connection(c);
}
