/* SPDX-License-Identifier: Apache-2.0 */
#include "key_client_parts.h"
#include "key_process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

struct key_client *key_client_new(const struct key_client_order *order, struct err *err)
{
    struct key_client *c = calloc(1, sizeof(*c));
    if (c != NULL)
        c->channels = calloc(order->threads, sizeof(*c->channels));
    if (c == NULL || c->channels == NULL) {
        free(c);
        (void)err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    c->n = order->threads;
    c->life = c->notices = -1;
    for (unsigned i = 0; i < c->n; i++)
        key_channel_init(&c->channels[i], -1);
    c->source = key_client_sets(c);
    if (key_client_process_start(c, order, err) == 0)
        return c;
    key_client_process_close(c);
    free(c->channels);
    free(c);
    return NULL;
}

void key_client_free(struct key_client *c)
{
    if (c == NULL)
        return;
    key_client_process_close(c);
    key_client_process_end(c);
    free(c->channels);
    free(c);
}

const struct identity_source *key_client_source(const struct key_client *c)
{
    return &c->source;
}

bool key_client_is_locked(const struct key_client *c)
{
    return !atomic_load(&c->unlocked);
}

int key_client_become(struct key_client *c, struct err *err)
{
    struct key_request request = {.kind = KEY_BECOME};
    struct key_answer answer;
    if (key_client_ask(c, &(struct key_conversation){&request, &answer, NULL, KEY_CLIENT_SIGN_MS, NULL}, err) != 0)
        return -1;
    if (!key_client_process_report(c))
        return err_set(err, ERR_IO, "the key process does not tell its sandbox");
    return answer.fine ? 0 : err_set(err, ERR_IO, "%s", answer.err.text);
}

const struct sandbox_facts *key_client_sandbox(const struct key_client *c)
{
    return &c->sandbox;
}

/* ---- its end ---- */

static void describe_end(int status, char *out, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(out, size, "signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) == KEY_PROCESS_DISTRUSTS)
        snprintf(out, size, "a request that mtlsd never sends");
    else if (WEXITSTATUS(status) == KEY_PROCESS_LACKS_MEMORY)
        snprintf(out, size, "no memory");
    else
        snprintf(out, size, "exit code %d", WEXITSTATUS(status));
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void close_watch(uv_poll_t **watch)
{
    if (*watch != NULL)
        uv_close((uv_handle_t *)*watch, on_closed);
    *watch = NULL;
}

void key_client_unwatch(struct key_client *c)
{
    if (c == NULL)
        return;
    close_watch(&c->watch);
    close_watch(&c->notice_watch);
}

static void on_life(uv_poll_t *watch, int status, int events)
{
    struct key_client *c = watch->data;
    int how = 0;
    char text[64];
    (void)status;
    (void)events;
    while (c->pid > 0 && waitpid(c->pid, &how, 0) < 0 && errno == EINTR) {
    }
    describe_end(how, text, sizeof(text));
    c->pid = 0;
    key_client_unwatch(c);
    c->on_end(c->on_end_ctx, text);
}

static int watch(struct key_client *c, uv_poll_t **out, struct uv_loop_s *loop, int fd, uv_poll_cb on_event, struct err *err)
{
    *out = calloc(1, sizeof(**out));
    if (*out == NULL || uv_poll_init(loop, *out, fd) != 0) {
        free(*out);
        *out = NULL;
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    (*out)->data = c;
    int rc = uv_poll_start(*out, UV_READABLE | UV_DISCONNECT, on_event);
    uv_unref((uv_handle_t *)*out);
    return rc == 0 ? 0 : err_set(err, ERR_IO, "cannot watch the key process: %s", uv_strerror(rc));
}

int key_client_watch(struct key_client *c, struct uv_loop_s *loop, void (*on_end)(void *ctx, const char *how), void *ctx, struct err *err)
{
    c->on_end = on_end;
    c->on_end_ctx = ctx;
    return watch(c, &c->watch, loop, c->life, on_life, err);
}

/* ---- the Workload API ---- */

int key_client_workload(struct key_client *c, bool wait, struct bytes *packed, struct err *err)
{
    struct key_request request = {.kind = KEY_WORKLOAD, .wait = wait};
    struct key_answer answer;
    bytes_init(packed, KEY_ANSWER_MAX);
    int rc = key_client_ask(c, &(struct key_conversation){&request, &answer, NULL, wait ? KEY_CLIENT_READ_MS : KEY_CLIENT_SIGN_MS, packed}, err);
    if (rc == 0 && !answer.fine)
        rc = err_set(err, answer.err.kind, "%s", answer.err.text);
    if (rc != 0)
        bytes_clear(packed);
    return rc;
}

/* The end of the process is told of by on_life. */
static void on_notice(uv_poll_t *handle, int status, int events)
{
    struct key_client *c = handle->data;
    char bytes[64];
    ssize_t n;
    (void)status;
    (void)events;
    while ((n = recv(c->notices, bytes, sizeof(bytes), MSG_DONTWAIT)) == (ssize_t)sizeof(bytes)) {
    }
    if (n == 0)
        uv_poll_stop(handle);
    else
        c->on_notice(c->on_notice_ctx);
}

int key_client_watch_workload(struct key_client *c, struct uv_loop_s *loop, void (*on_change)(void *ctx), void *ctx, struct err *err)
{
    c->on_notice = on_change;
    c->on_notice_ctx = ctx;
    return c->notices >= 0 ? watch(c, &c->notice_watch, loop, c->notices, on_notice, err) : 0;
}

pid_t key_client_pid(const struct key_client *c)
{
    return c->pid;
}

bool key_client_answers(const struct key_client *c)
{
    return !atomic_load(&c->silent);
}

uint64_t key_client_refused(const struct key_client *c)
{
    return atomic_load_explicit(&c->refused, memory_order_relaxed);
}
