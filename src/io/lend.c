/* SPDX-License-Identifier: Apache-2.0 */
#include "lend.h"
#include "listening.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_wake(uv_async_t *wake)
{
    struct lend *l = wake->data;
    if (!l->stopped)
        l->on_all(l->ctx);
}

struct lend *lend_new(uv_loop_t *loop, unsigned workers, void (*on_all)(void *ctx), void *ctx)
{
    struct lend *l = calloc(1, sizeof(*l));
    if (l == NULL || uv_mutex_init(&l->lock) != 0) {
        free(l);
        return NULL;
    }
    uv_async_init(loop, &l->wake, on_wake);
    l->wake.data = l;
    l->missing = workers;
    l->on_all = on_all;
    l->ctx = ctx;
    return l;
}

/* Those that the service manager passed are ours already, by their name. */
static bool is_passed(const struct listen_socket *s)
{
    return strncmp(s->address, "systemd:", 8) == 0;
}

static void add(struct lend *l, const struct listen_socket *s)
{
    struct server_socket *more = realloc(l->sockets, (l->n + 1) * sizeof(*more));
    l->sockets = more != NULL ? more : l->sockets;
    struct server_socket one = {fcntl(s->acceptor.fd, F_DUPFD_CLOEXEC, 0), strdup(s->address)};
    if (more != NULL && one.fd >= 0 && one.address != NULL) {
        l->sockets[l->n++] = one;
        return;
    }
    l->failed = true;
    if (one.fd >= 0)
        close(one.fd);
    free(one.address);
}

void lend_answer(struct lend *l, const struct listen_socket *sockets, bool all)
{
    uv_mutex_lock(&l->lock);
    for (const struct listen_socket *s = sockets; s != NULL; s = s->next)
        if (!is_passed(s) && (s->is_tcp || all))
            add(l, s);
    if (--l->missing == 0 && !l->stopped)
        uv_async_send(&l->wake);
    uv_mutex_unlock(&l->lock);
}

static void on_closed(uv_handle_t *handle)
{
    struct lend *l = handle->data;
    for (size_t i = 0; i < l->n; i++) {
        close(l->sockets[i].fd);
        free(l->sockets[i].address);
    }
    free(l->sockets);
    uv_mutex_destroy(&l->lock);
    free(l);
}

void lend_stop(struct lend *l)
{
    if (l == NULL)
        return;
    uv_mutex_lock(&l->lock);
    l->stopped = true;
    uv_mutex_unlock(&l->lock);
    uv_close((uv_handle_t *)&l->wake, on_closed);
}
