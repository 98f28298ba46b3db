/* SPDX-License-Identifier: Apache-2.0 */
#include "order.h"
#include "lend.h"
#include "listen_fd.h"
#include "mtlsd/io/inherited.h"

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
    if (o->lend != NULL) /* its worker has ended */
        lend_answer(o->lend, NULL, false);
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

static int add_socket(struct order *o, const struct config_listener *l, size_t bind, bool tcp, int fd)
{
    struct new_socket *more = fd >= 0 ? realloc(o->sockets, (o->n_sockets + 1) * sizeof(*more)) : NULL;
    if (more == NULL) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    o->sockets = more;
    o->sockets[o->n_sockets++] = (struct new_socket){fd, tcp, l->bind_text[bind], l->name};
    return 0;
}

static int refuse_shortage(const char *text, struct err *err)
{
    return err_set(err, ERR_IO, "%s: cannot listen: no more descriptors or memory", text);
}

/* One descriptor per worker for one address: tcp ones share the port, a unix socket is one queue that all take from. */
static int open_address(struct order **orders, unsigned n, const struct config_listener *l, size_t bind, struct err *err)
{
    bool tcp = l->bind[bind].kind == ADDRESS_TCP;
    int first = listen_fd_open(&l->bind[bind], l->bind_text[bind], true, err);
    if (first < 0)
        return -1;
    if (!tcp)
        socket_file_note(&orders[0]->files, l->bind[bind].path);
    for (unsigned i = 0; i < n; i++) {
        int fd = first;
        if (i > 0)
            fd = !tcp ? fcntl(first, F_DUPFD_CLOEXEC, 0) : listen_fd_open(&l->bind[bind], l->bind_text[bind], false, err);
        if (add_socket(orders[i], l, bind, tcp, fd) != 0)
            return refuse_shortage(l->bind_text[bind], err);
    }
    return 0;
}

/* All of them are taken, and each worker gets one: with fewer sockets than workers some have the same, with fewer workers some have several. None is made
 * in addition: a socket of another user could not share the port. */
static int use_handed(struct order **orders, unsigned n, const struct config_listener *l, size_t bind, const struct inherited *handed, struct err *err)
{
    const char *text = l->bind_text[bind];
    bool tcp = l->bind[bind].kind == ADDRESS_TCP;
    size_t k = 0;
    while (inherited_fd(handed, text, k) >= 0)
        k++;
    for (size_t i = 0; i < (k > n ? k : n); i++)
        if (add_socket(orders[i % n], l, bind, tcp, fcntl(inherited_fd(handed, text, i % k), F_DUPFD_CLOEXEC, 0)) != 0)
            return refuse_shortage(text, err);
    return 0;
}

/* ---- sockets that were passed ---- */

/* The configuration was checked without knowing this address: here plaintext beyond this host is refused, as there. */
static int look_at_passed(const struct config_listener *l, size_t bind, int fd, struct inherited_kind *kind, struct err *err)
{
    if (inherited_look(fd, l->bind[bind].path, kind, err) != 0)
        return -1;
    if (kind->loopback || l->tls.present || l->passthrough || l->insecure_expose)
        return 0;
    return err_set(err, ERR_IO,
                   "%s: listener \"%s\" is plaintext, and other hosts can reach this socket: give the listener a tls block, set ListenStream= to an address of "
                   "127.0.0.1, or accept it with insecure_expose = true",
                   l->bind_text[bind], l->name);
}

/* Every socket of the name, looked at also where it is in use already: the listener may have changed. All workers take from its one queue. */
static int use_passed(struct order **orders, unsigned n, const struct config_listener *l, size_t bind, const struct order_change *change, struct err *err)
{
    const char *name = l->bind[bind].path;
    bool is_new = !has_address(change->old, l->bind_text[bind]);
    if (inherited_fd(change->inherited, name, 0) < 0)
        return inherited_explain(change->inherited, name, err);
    for (size_t k = 0; inherited_fd(change->inherited, name, k) >= 0; k++) {
        struct inherited_kind kind;
        int fd = inherited_fd(change->inherited, name, k);
        if (look_at_passed(l, bind, fd, &kind, err) != 0)
            return -1;
        for (unsigned i = 0; i < n && is_new; i++)
            if (add_socket(orders[i], l, bind, kind.tcp, fcntl(fd, F_DUPFD_CLOEXEC, 0)) != 0)
                return refuse_shortage(l->bind_text[bind], err);
    }
    return 0;
}

int order_open_sockets(struct order **orders, unsigned n, const struct order_change *change, struct err *err)
{
    for (size_t i = 0; i < change->next->config->n_listeners; i++) {
        const struct config_listener *l = &change->next->config->listeners[i];
        for (size_t b = 0; b < l->n_bind; b++) {
            int rc = 0;
            if (l->bind[b].kind == ADDRESS_SYSTEMD)
                rc = use_passed(orders, n, l, b, change, err);
            else if (inherited_fd(change->handed, l->bind_text[b], 0) >= 0)
                rc = use_handed(orders, n, l, b, change->handed, err);
            else if (!has_address(change->old, l->bind_text[b]))
                rc = open_address(orders, n, l, b, err);
            if (rc != 0)
                return -1;
        }
    }
    return 0;
}
