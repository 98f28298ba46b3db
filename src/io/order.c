/* SPDX-License-Identifier: Apache-2.0 */
#include "order.h"
#include "listen_fd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct order *order_new(enum order_kind kind, struct snapshot *snapshot)
{
    struct order *o = calloc(1, sizeof(*o));
    if (o == NULL)
        return NULL;
    o->kind = kind;
    if (snapshot != NULL)
        o->snapshot = snapshot_ref(snapshot);
    return o;
}

void order_free(struct order *o)
{
    for (size_t i = 0; i < o->n_sockets; i++) {
        if (o->sockets[i].fd >= 0)
            close(o->sockets[i].fd);
    }
    socket_file_remove(&o->files, NULL);
    snapshot_unref(o->snapshot);
    free(o->sockets);
    free(o);
}

static bool has_address(const struct snapshot *snapshot, const char *address)
{
    for (size_t i = 0; snapshot != NULL && i < snapshot->config->n_listeners; i++) {
        const struct config_listener *l = &snapshot->config->listeners[i];
        for (size_t b = 0; b < l->n_bind; b++) {
            if (strcmp(l->bind_text[b], address) == 0)
                return true;
        }
    }
    return false;
}

static int add_socket(struct order *o, const struct config_listener *l, size_t bind, int fd)
{
    struct new_socket *more = realloc(o->sockets, (o->n_sockets + 1) * sizeof(*more));
    if (more == NULL) {
        close(fd);
        return -1;
    }
    o->sockets = more;
    o->sockets[o->n_sockets++] = (struct new_socket){fd, l->bind[bind].kind == ADDRESS_TCP, l->bind_text[bind], l->name};
    return 0;
}

/* One descriptor per worker for one address: tcp ones share the port, a unix socket is one queue that all take from. */
static int open_address(struct order **orders, unsigned n, const struct config_listener *l, size_t bind, struct err *err)
{
    int first = listen_fd_open(&l->bind[bind], l->bind_text[bind], true, err);
    if (first < 0)
        return -1;
    if (l->bind[bind].kind == ADDRESS_UNIX)
        socket_file_note(&orders[0]->files, l->bind[bind].path);
    for (unsigned i = 0; i < n; i++) {
        int fd = first;
        if (i > 0)
            fd = l->bind[bind].kind == ADDRESS_UNIX ? fcntl(first, F_DUPFD_CLOEXEC, 0) : listen_fd_open(&l->bind[bind], l->bind_text[bind], false, err);
        if (fd < 0 || add_socket(orders[i], l, bind, fd) != 0)
            return err_set(err, ERR_IO, "%s: cannot listen: no more descriptors or memory", l->bind_text[bind]);
    }
    return 0;
}

int order_open_sockets(struct order **orders, unsigned n, const struct snapshot *next, const struct snapshot *old, struct err *err)
{
    for (size_t i = 0; i < next->config->n_listeners; i++) {
        const struct config_listener *l = &next->config->listeners[i];
        for (size_t b = 0; b < l->n_bind; b++) {
            if (!has_address(old, l->bind_text[b]) && open_address(orders, n, l, b, err) != 0)
                return -1;
        }
    }
    return 0;
}
