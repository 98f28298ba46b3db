/* SPDX-License-Identifier: Apache-2.0 */
#include "acceptor.h"
#include "watch.h"

#include "mtlsd/base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    PAUSE_FIRST_MS = 2,
    PAUSE_MAX_MS = 1000,
    TELL_AGAIN_US = 60 * 1000 * 1000,
    TELL_OTHER_US = 1000 * 1000, /* when the error is another one */
    LASTS_US = 500 * 1000,
};

/* ---- words ---- */

static const char *hint_of(int error)
{
    switch (error) {
    case EMFILE:
        return "raise the open file limit of mtlsd (ulimit -n, LimitNOFILE=)";
    case ENFILE:
        return "the whole system has no more open files: raise fs.file-max, or stop the programs that hold them";
    case ENOBUFS:
    case ENOMEM:
        return "memory for sockets ran out: lower limits.connections, or give the host or container more memory";
    case EPERM:
    case EACCES:
        return "a firewall, seccomp filter or security module forbids it: let mtlsd call accept4 for this address";
    default:
        return "check this host's network; restart mtlsd if this continues";
    }
}

/* At most one line a second, and one a minute of the same error. */
static void tell_failure(struct acceptor *a, int error)
{
    uint64_t now_us = uv_hrtime() / 1000, wait_us = a->told && a->error == error ? TELL_AGAIN_US : TELL_OTHER_US;
    if (a->failing_since_us == 0)
        a->failing_since_us = now_us;
    if (a->told_us != 0 && now_us - a->told_us < wait_us)
        return;
    a->told = true;
    a->told_us = now_us;
    a->error = error;
    struct log_line l;
    char text[512];
    snprintf(text, sizeof(text), "%s: new connections wait, because they cannot be accepted: %s", a->place, strerror(error));
    log_begin(&l, LOG_LEVEL_ERROR, "accept", text);
    log_str(&l, "error", uv_err_name(uv_translate_sys_error(error)));
    log_str(&l, "hint", hint_of(error));
    log_end(&l);
}

static void tell_success(struct acceptor *a)
{
    if (a->told)
        log_say(LOG_LEVEL_INFO, "accept", "%s: connections are accepted again, after %.1f s", a->place,
                (double)(uv_hrtime() / 1000 - a->failing_since_us) / 1e6);
    a->told = false;
}

/* ---- accepting ---- */

static void on_ready(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer);

static void look(struct acceptor *a)
{
    if (a->held || a->closing || uv_is_active((uv_handle_t *)&a->pause))
        return;
    if (watch_reserve(a->poll.loop, a->fd) == 0)
        uv_poll_start(&a->poll, UV_READABLE, on_ready);
    else
        uv_timer_start(&a->pause, on_pause_over, PAUSE_MAX_MS, 0);
}

static void on_pause_over(uv_timer_t *timer)
{
    look(timer->data);
}

static void pause_for_a_while(struct acceptor *a, int error)
{
    tell_failure(a, error);
    a->pause_ms = a->pause_ms == 0 ? PAUSE_FIRST_MS : a->pause_ms * 2 < PAUSE_MAX_MS ? a->pause_ms * 2 : PAUSE_MAX_MS;
    uv_poll_stop(&a->poll);
    uv_timer_start(&a->pause, on_pause_over, a->pause_ms, 0);
}

/* It has ended before it was accepted; the next one may be well. */
static bool is_of_one_connection(int error)
{
    return error == ECONNABORTED || error == EINTR;
}

/* accept takes a descriptor before it looks for a client. */
static bool someone_waits(const struct acceptor *a)
{
    struct pollfd p = {.fd = a->fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static bool lacks_descriptor(int error)
{
    return error == EMFILE || error == ENFILE;
}

static enum acceptor_help ask_for_help(const struct acceptor *a, int error)
{
    bool lasts = a->failing_since_us != 0 && uv_hrtime() / 1000 - a->failing_since_us >= LASTS_US;
    return a->events->on_shortage(a->owner, error, lasts);
}

/* A descriptor, or -1 with *error. */
static int take(const struct acceptor *a, struct sockaddr_storage *from, int *error)
{
    socklen_t size = sizeof(*from);
    int fd = accept4(a->fd, (struct sockaddr *)from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    *error = fd < 0 ? errno : 0;
    return fd;
}

/* 0, or why there is none. *helped: it was accepted at the price of another one. */
static int accept_one(struct acceptor *a, bool *helped)
{
    struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
    enum acceptor_help help = ACCEPTOR_NO_HELP;
    int error, fd = take(a, &from, &error);
    if (lacks_descriptor(error) && !someone_waits(a))
        return EAGAIN;
    if (lacks_descriptor(error) && (help = ask_for_help(a, error)) != ACCEPTOR_NO_HELP)
        fd = take(a, &from, &error);
    if (fd < 0)
        return error;
    *helped = *helped || help != ACCEPTOR_NO_HELP;
    if (help == ACCEPTOR_NO_HELP)
        a->pause_ms = 0;
    if (help == ACCEPTOR_REFUSE_ONE)
        a->events->on_surplus(a->owner, fd);
    else
        a->events->on_client(a->owner, fd, &from);
    return 0;
}

/* No client waits any more. */
static void note_drained(struct acceptor *a, bool accepted)
{
    if (accepted && a->failing_since_us != 0)
        tell_success(a);
    a->failing_since_us = 0;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct acceptor *a = poll->data;
    int error = 0, accepted = 0;
    bool helped = false;
    (void)status; /* accept says what is wrong */
    (void)events;
    for (int i = 0; i < ACCEPTOR_AT_ONCE && !a->held && !a->closing && (error == 0 || is_of_one_connection(error)); i++) {
        error = accept_one(a, &helped);
        accepted += error == 0 ? 1 : 0;
    }
    bool drained = error == EAGAIN || error == EWOULDBLOCK;
    if (drained && !helped)
        note_drained(a, accepted > 0);
    bool fails = error != 0 && !drained && (accepted == 0 || !is_of_one_connection(error));
    if (fails && !a->closing)
        pause_for_a_while(a, error);
}

/* ---- life ---- */

int acceptor_start(struct acceptor *a, uv_loop_t *loop, int fd, const char *place, const struct acceptor_events *events, void *owner)
{
    memset(a, 0, sizeof(*a));
    a->fd = fd;
    a->place = place;
    a->events = events;
    a->owner = owner;
    uv_timer_init(loop, &a->pause);
    a->pause.data = a;
    a->handles = 1;
    int rc = uv_poll_init(loop, &a->poll, fd);
    if (rc != 0)
        return rc;
    a->poll.data = a;
    a->handles = 2;
    rc = watch_reserve(loop, fd);
    if (rc != 0)
        return rc;
    return uv_poll_start(&a->poll, UV_READABLE, on_ready);
}

void acceptor_hold(struct acceptor *a)
{
    if (a->held)
        return;
    a->held = true;
    uv_poll_stop(&a->poll);
}

void acceptor_go_on(struct acceptor *a)
{
    if (!a->held)
        return;
    a->held = false;
    look(a);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct acceptor *a = handle->data;
    if (--a->handles == 0)
        a->events->on_closed(a->owner);
}

void acceptor_close(struct acceptor *a)
{
    a->closing = true;
    if (a->handles == 2)
        uv_close((uv_handle_t *)&a->poll, on_handle_closed);
    uv_close((uv_handle_t *)&a->pause, on_handle_closed);
    close(a->fd);
}
