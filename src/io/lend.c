/* SPDX-License-Identifier: Apache-2.0 */
#include "lend.h"
#include "listening.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lend *lend_new(uv_async_t *wake, unsigned workers, void (*on_all)(void *ctx), void *ctx)
{
    struct lend *l = calloc(1, sizeof(*l));
    if (l == NULL || uv_mutex_init(&l->lock) != 0) {
        free(l);
        return NULL;
    }
    l->wake = wake;
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
    l->missing--;
    uv_async_t *wake = l->missing == 0 ? l->wake : NULL;
    uv_mutex_unlock(&l->lock);
    if (wake != NULL)
        uv_async_send(wake);
}

bool lend_is_complete(struct lend *l)
{
    uv_mutex_lock(&l->lock);
    bool complete = l->missing == 0;
    uv_mutex_unlock(&l->lock);
    return complete;
}

void lend_free(struct lend *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->n; i++) {
        close(l->sockets[i].fd);
        free(l->sockets[i].address);
    }
    free(l->sockets);
    uv_mutex_destroy(&l->lock);
    free(l);
}
