/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/successor.h"
#include "mtlsd/base/units.h"
#include "mtlsd/io/starter.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { END_GRACE_MS = 2000, WORD_MAX = 512, HANDLES = 3 };

struct successor {
    struct starter *starter; /* borrowed */
    const char *program;     /* borrowed */
    long pid;                /* 0: not known yet */
    uv_poll_t channel, news;
    uv_timer_t timer;
    struct successor_hooks hooks;
    uint64_t within_ms;
    int fd; /* of the channel; -1: closed */
    unsigned handles; /* still open */
    char word[WORD_MAX]; /* what it said so far */
    size_t n;
    char why[WORD_MAX + 128]; /* "": it has not failed */
    bool is_ready, gone, over;
};

/* ---- the end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct successor *s = handle->data;
    if (--s->handles == 0)
        free(s);
}

static void close_channel(struct successor *s)
{
    if (s->fd < 0)
        return;
    uv_close((uv_handle_t *)&s->channel, on_closed);
    close(s->fd);
    s->fd = -1;
}

static void close_all(struct successor *s)
{
    if (s->over)
        return;
    s->over = true;
    close_channel(s);
    uv_close((uv_handle_t *)&s->timer, on_closed);
    uv_close((uv_handle_t *)&s->news, on_closed);
}

static void on_not_gone(uv_timer_t *timer)
{
    struct successor *s = timer->data;
    starter_kill(s->starter, SIGKILL);
}

/* It has no clients yet, so its end costs nothing. What is reported waits until it is gone. */
static void give_up(struct successor *s, const char *why)
{
    if (s->why[0] != '\0')
        return;
    snprintf(s->why, sizeof(s->why), "%s", why);
    close_channel(s);
    if (s->gone)
        return;
    starter_kill(s->starter, SIGTERM);
    uv_timer_start(&s->timer, on_not_gone, END_GRACE_MS, 0);
}

static void on_late(uv_timer_t *timer)
{
    struct successor *s = timer->data;
    char why[128], limit[UNITS_DURATION_SIZE];
    units_write_duration(limit, s->within_ms);
    snprintf(why, sizeof(why), "the new process was not ready within %s (handover_timeout), and was ended", limit);
    give_up(s, why);
}

static void hear(struct successor *s);
static void take_word(struct successor *s);

static void end(struct successor *s, const char *why)
{
    s->gone = true;
    hear(s); /* its last words may still be in the channel */
    s->hooks.on_failed(s->hooks.ctx, s->why[0] != '\0' ? s->why : why);
    close_all(s);
}

static void on_news(uv_poll_t *poll, int status, int events)
{
    struct successor *s = poll->data;
    char why[WORD_MAX];
    int value;
    (void)status;
    (void)events;
    switch (starter_hear(s->starter, &value)) {
    case STARTER_NOTHING:
        return;
    case STARTER_STARTED:
        s->pid = value;
        take_word(s);
        return;
    case STARTER_FAILED:
        snprintf(why, sizeof(why), "%s cannot be started: %s", s->program, strerror(value));
        break;
    case STARTER_EXITED:
        snprintf(why, sizeof(why), "the new process ended with exit code %d before it was ready; what it wrote to standard error says why", value);
        break;
    case STARTER_KILLED:
        snprintf(why, sizeof(why), "signal %d ended the new process before it was ready", value);
        break;
    case STARTER_GONE:
        snprintf(why, sizeof(why), "the process that starts new ones has ended: restart mtlsd instead");
        break;
    }
    end(s, why);
}

/* ---- what it says ---- */

static void take_word(struct successor *s)
{
    static const char ready[] = "ready ", failed[] = "failed ";
    char *mark = strchr(s->word, '\n');
    if (mark == NULL || (s->pid == 0 && !s->gone)) /* the starter will say which process it is */
        return;
    *mark = '\0';
    if (strncmp(s->word, ready, sizeof(ready) - 1) == 0 && !s->is_ready && !s->gone) {
        s->is_ready = true;
        uv_timer_stop(&s->timer);
        s->hooks.on_ready(s->hooks.ctx, s->pid, s->word + sizeof(ready) - 1);
    } else if (!s->is_ready && strncmp(s->word, failed, sizeof(failed) - 1) == 0) {
        give_up(s, s->word + sizeof(failed) - 1);
    } else if (!s->gone) {
        give_up(s, "the new process said something that this version does not know");
    }
}

static void hear(struct successor *s)
{
    if (s->fd < 0)
        return;
    ssize_t n = recv(s->fd, s->word + s->n, sizeof(s->word) - 1 - s->n, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        s->n += (size_t)n;
        s->word[s->n] = '\0';
        take_word(s);
    } else {
        close_channel(s); /* its exit code follows, or the time is over */
    }
}

static void on_word(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    hear(poll->data);
}

static bool say(const struct successor *s, const void *text, size_t n)
{
    return s->fd >= 0 && send(s->fd, text, n, MSG_NOSIGNAL) == (ssize_t)n;
}

bool successor_go(struct successor *s, struct span memory)
{
    if ((memory.len > 0 && !say(s, memory.ptr, memory.len)) || !say(s, "go\n", 3)) {
        give_up(s, "the new process ended when it was to begin");
        return false;
    }
    close_all(s);
    return true;
}

void successor_stop(struct successor *s)
{
    if (s == NULL || s->over)
        return;
    starter_kill(s->starter, SIGKILL);
    close_all(s);
}

/* ---- the start ---- */

/* The handles are the loop's from here on. */
static void watch(struct successor *s, uv_loop_t *loop)
{
    uv_timer_init(loop, &s->timer);
    uv_poll_init(loop, &s->channel, s->fd);
    uv_poll_init(loop, &s->news, starter_fd(s->starter));
    s->news.data = s->channel.data = s->timer.data = s;
    s->handles = HANDLES;
    uv_timer_start(&s->timer, on_late, s->within_ms, 0);
    uv_poll_start(&s->channel, UV_READABLE | UV_DISCONNECT, on_word);
    uv_poll_start(&s->news, UV_READABLE | UV_DISCONNECT, on_news);
}

struct successor *successor_start(struct uv_loop_s *loop, const struct successor_plan *plan, const struct successor_hooks *hooks, struct err *err)
{
    int ends[2] = {-1, -1};
    struct successor *s = calloc(1, sizeof(*s));
    if (s == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        err_set(err, ERR_IO, "no descriptors or memory for the new process: %s", strerror(errno));
        free(s);
        return NULL;
    }
    *s = (struct successor){.starter = plan->starter, .program = plan->program, .hooks = *hooks, .within_ms = plan->within_ms, .fd = ends[0]};
    int rc = starter_start(s->starter, plan->list, ends[1], plan->sockets, plan->n, err);
    close(ends[1]);
    if (rc == 0) {
        watch(s, loop);
        return s;
    }
    close(ends[0]);
    free(s);
    return NULL;
}
