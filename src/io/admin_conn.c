/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state of a connection | event              | what is done                          | next
 * READING               | part of a request  | nothing                               | READING
 * READING               | its head           | of the admin socket: the answer is    | READING
 *                       |                    | made, not yet sent                    |
 * READING               | its end            | the answer is sent, or reload begins  | ANSWERING or WAITING
 * READING               | bad, end of input  | the refusal is sent, or close         | ANSWERING or CLOSED
 * WAITING               | reloaded           | the answer is sent                    | ANSWERING
 * ANSWERING             | sent, or an error  | close                                 | CLOSED
 * ANSWERING             | sent, a stream     | the first event is sent               | STREAMING
 * STREAMING             | 2 s, all was sent  | the next event is sent                | STREAMING
 * STREAMING             | 2 s, some was not  | nothing, for 30 s; then close         | STREAMING or CLOSED
 * STREAMING             | end of input       | close                                 | CLOSED
 * any other             | 10 s, stop         | close                                 | CLOSED
 */
#include "admin_conn.h"
#include "acceptor.h"

#include "spare_fd.h"
#include "watch.h"
#include "mtlsd/base/text.h"
#include "mtlsd/http/http1.h"
#include "mtlsd/policy/reason.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_REQUEST = 64 << 10,
    MAX_HEAD = 32 << 10,
    MAX_FIELDS = 200,
    MAX_FORM = 4 << 10,
    MAX_ANSWER = 65 << 20,
    MAX_STREAMS = 16,
    TIMEOUT_MS = 10000,
    EVENT_MS = 2000,
    STALLED_EVENTS = 15, /* that could not be sent */
    READ_SIZE = 4096,
};

enum state { READING, WAITING, ANSWERING, STREAMING, CLOSED };

struct admin_pending { /* a connection; named after the one thing others hold it for */
    struct admin_conns *owner;
    struct admin_pending *next, *previous;
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_write_t write;
    enum config_serve what;
    enum state state;
    unsigned open_handles;
    bool reloading; /* the hook has not answered yet: the memory stays */
    bool streams, writing;
    unsigned stalled;
    struct http1 *parser;
    struct http_head *head; /* owned: of a page; it is answered with its form */
    struct bytes form;
    size_t received;
    enum admin_action action;
    struct bytes out;
    char asked_by[48];
    char buffer[READ_SIZE];
};

int admin_conns_init(struct admin_conns *s, uv_loop_t *loop, const struct admin_hooks *hooks, size_t most)
{
    uint8_t secret[(SERVED_NONCE_SIZE - 1) / 2];
    *s = (struct admin_conns){.loop = loop, .hooks = *hooks, .most = most, .spare = -1};
    bytes_init(&s->event, MAX_ANSWER);
    int rc = uv_random(NULL, NULL, secret, sizeof(secret), 0, NULL);
    text_hex(s->nonce, span_of(secret, sizeof(secret)));
    return rc == 0 ? 0 : -1;
}

/* ---- the end ---- */

static void free_when_done(struct admin_pending *c)
{
    if (c->open_handles > 0 || c->reloading)
        return;
    struct admin_conns *s = c->owner;
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        s->first = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    s->n--;
    http1_free(c->parser);
    free(c->head);
    bytes_clear(&c->form);
    bytes_clear(&c->out);
    free(c);
    if (s->n == 0)
        bytes_clear(&s->event);
    if (s->n == 0 && s->on_empty != NULL)
        s->on_empty(s->ctx);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct admin_pending *c = handle->data;
    c->open_handles--;
    free_when_done(c);
}

static void close_connection(struct admin_pending *c)
{
    if (c->state == CLOSED)
        return;
    c->state = CLOSED;
    c->owner->n_streams -= c->streams ? 1 : 0;
    uv_close((uv_handle_t *)&c->pipe, on_handle_closed);
    uv_close((uv_handle_t *)&c->timer, on_handle_closed);
    if (!c->owner->stopped && (c->what == CONFIG_SERVE_NONE || c->owner->outside))
        spare_fd_take(&c->owner->spare); /* before another one takes what has become free */
}

static void on_timeout(uv_timer_t *timer)
{
    close_connection(timer->data);
}

/* ---- answering ---- */

static void on_event_timer(uv_timer_t *timer);

static void on_written(uv_write_t *write, int status)
{
    struct admin_pending *c = write->data;
    c->writing = false;
    if (c->state == CLOSED)
        return;
    if (status != 0 || !c->streams) {
        close_connection(c);
        return;
    }
    c->state = STREAMING;
    c->stalled = 0;
    bytes_clear(&c->out);
    if (!uv_is_active((uv_handle_t *)&c->timer) || uv_timer_get_repeat(&c->timer) == 0)
        uv_timer_start(&c->timer, on_event_timer, 0, EVENT_MS);
}

static void send_out(struct admin_pending *c)
{
    struct span answer = bytes_span(&c->out);
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)answer.ptr, (unsigned)answer.len);
    c->write.data = c;
    c->writing = answer.len > 0 && uv_write(&c->write, (uv_stream_t *)&c->pipe, &buf, 1, on_written) == 0;
    if (!c->writing)
        close_connection(c);
}

static void send_answer(struct admin_pending *c)
{
    c->state = ANSWERING;
    if (!c->streams)
        uv_read_stop((uv_stream_t *)&c->pipe);
    uv_timer_start(&c->timer, on_timeout, TIMEOUT_MS, 0);
    send_out(c);
}

/* Made once for all who look at the same time. */
static int make_event(struct admin_conns *s)
{
    uint64_t now = uv_now(s->loop);
    if (s->event.len > 0 && now - s->event_ms < EVENT_MS / 2)
        return 0;
    s->event_ms = now;
    bytes_clear(&s->event);
    return served_event(&s->event, s->nonce, s->hooks.view(s->hooks.ctx));
}

/* One event waits at most: who reads slowly gets fewer, and the latest. */
static void on_event_timer(uv_timer_t *timer)
{
    struct admin_pending *c = timer->data;
    if (c->writing) {
        if (++c->stalled >= STALLED_EVENTS)
            close_connection(c);
        return;
    }
    if (make_event(c->owner) != 0 || bytes_append_span(&c->out, bytes_span(&c->owner->event)) != 0)
        close_connection(c);
    else
        send_out(c);
}

static void carry_out(struct admin_pending *c)
{
    const struct admin_hooks hooks = c->owner->hooks;
    switch (c->action) {
    case ADMIN_ANSWERED:
        send_answer(c);
        return;
    case ADMIN_STREAM:
        c->streams = true;
        c->owner->n_streams++;
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

/* ---- reading ---- */

/* On the admin socket the answer is made while the head is there, and used when the whole request is. */
static bool on_head(struct admin_pending *c)
{
    const struct admin_hooks *hooks = &c->owner->hooks;
    if (c->what != CONFIG_SERVE_NONE)
        return (c->head = http_head_copy(http1_head(c->parser))) != NULL;
    const struct admin_question question = {http1_head(c->parser), c->asked_by};
    c->action = admin_answer(&c->out, &question, hooks->view(hooks->ctx));
    return true;
}

static void on_end(struct admin_pending *c)
{
    const struct admin_hooks *hooks = &c->owner->hooks;
    if (c->what != CONFIG_SERVE_NONE) {
        const struct served_question question = {.what = c->what,
                                                 .head = c->head,
                                                 .form = bytes_span(&c->form),
                                                 .nonce = c->owner->nonce,
                                                 .full = c->owner->n_streams >= MAX_STREAMS,
                                                 .outside = c->owner->outside};
        bool health = c->what == CONFIG_SERVE_HEALTH;
        c->action = served_answer(&c->out, &question, health ? hooks->glance(hooks->ctx) : hooks->view(hooks->ctx));
    }
    carry_out(c);
}

static void feed(struct admin_pending *c, struct span in)
{
    struct span data;
    while (c->state == READING) {
        switch (http1_next(c->parser, &in, &data)) {
        case HTTP1_HEAD:
            if (!on_head(c))
                close_connection(c);
            break;
        case HTTP1_DATA:
            if (c->what != CONFIG_SERVE_NONE && bytes_append_span(&c->form, data) != 0)
                refuse(c, 413, "a form of this page is a few hundred bytes");
            break;
        case HTTP1_TRAILERS:
            break;
        case HTTP1_END:
            on_end(c);
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
    if (c->state != READING)
        return; /* more after a request is of no interest */
    if (c->received > MAX_REQUEST)
        refuse(c, 413, "a request here is a few hundred bytes");
    else
        feed(c, span_of(buf->base, (size_t)n));
}

/* ---- the begin ---- */

static struct admin_pending *new_connection(struct admin_conns *s, enum config_serve what)
{
    struct admin_pending *c = calloc(1, sizeof(*c));
    struct http1 *parser = c != NULL ? http1_new(true, MAX_HEAD, MAX_FIELDS) : NULL;
    if (parser == NULL) {
        free(c);
        return NULL;
    }
    c->owner = s;
    c->what = what;
    c->parser = parser;
    bytes_init(&c->form, MAX_FORM);
    bytes_init(&c->out, MAX_ANSWER);
    uv_pipe_init(s->loop, &c->pipe, 0);
    uv_timer_init(s->loop, &c->timer);
    c->open_handles = 2;
    c->pipe.data = c;
    c->timer.data = c;
    c->next = s->first;
    if (c->next != NULL)
        c->next->previous = c;
    s->first = c;
    s->n++;
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

/* A client of any host could hold every place for ten seconds, and the probes would fail. The newest is at the front. */
static void close_oldest(struct admin_conns *s)
{
    struct admin_pending *oldest = NULL;
    for (struct admin_pending *c = s->first; c != NULL; c = c->next)
        oldest = c->state != CLOSED ? c : oldest;
    if (oldest != NULL)
        close_connection(oldest);
}

void admin_conn_begin(struct admin_conns *s, int fd, enum config_serve what)
{
    if (s->outside && s->n >= s->most)
        close_oldest(s);
    size_t most = s->outside ? s->most + ACCEPTOR_AT_ONCE : s->most; /* those that were closed in this turn are still there */
    struct admin_pending *c = s->n < most && !s->stopped ? new_connection(s, what) : NULL;
    if (c == NULL) {
        close(fd); /* too many at once are hung up on */
        return;
    }
    name_user(c, fd);
    int rc = watch_reserve(s->loop, fd);
    if (rc == 0)
        rc = uv_pipe_open(&c->pipe, fd);
    if (rc != 0)
        close(fd);
    if (rc != 0 || uv_timer_start(&c->timer, on_timeout, TIMEOUT_MS, 0) != 0 || uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) != 0)
        close_connection(c);
}

void admin_conns_end_streams(struct admin_conns *s)
{
    for (struct admin_pending *c = s->first; c != NULL; c = c->next)
        if (c->streams)
            close_connection(c);
}

void admin_conns_stop(struct admin_conns *s)
{
    s->stopped = true;
    for (struct admin_pending *c = s->first; c != NULL; c = c->next)
        if (c->state != ANSWERING || c->streams)
            close_connection(c);
    spare_fd_use(&s->spare);
}

void admin_listener_reloaded(struct admin_pending *c, const struct admin_reload *result)
{
    assert(c->reloading);
    c->reloading = false;
    if (c->state != WAITING)
        free_when_done(c);
    else if (admin_answer_reload(&c->out, result) == 0)
        send_answer(c);
    else
        close_connection(c);
}
