/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/admin_listener.h"

#include "acceptor.h"
#include "admin_conn.h"
#include "admin_socket.h"
#include "listen_fd.h"
#include "spare_fd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 16 };

struct admin_listener {
    struct acceptor acceptor;
    struct admin_socket file;
    struct admin_conns conns;
    bool closed; /* the loop holds it no more */
};

static void free_when_done(void *ctx)
{
    struct admin_listener *l = ctx;
    if (l->closed && l->conns.n == 0)
        free(l);
}

static void on_client(void *owner, int fd, const struct sockaddr_storage *from)
{
    struct admin_listener *l = owner;
    (void)from;
    admin_conn_begin(&l->conns, fd, l->conns.outside ? CONFIG_SERVE_HEALTH : CONFIG_SERVE_NONE);
}

/* A status request is answered when all descriptors are in use: one at a time. */
static enum acceptor_help on_shortage(void *owner, int error, bool lasts)
{
    struct admin_listener *l = owner;
    (void)error;
    (void)lasts;
    spare_fd_take(&l->conns.spare); /* if a worker got it */
    return spare_fd_use(&l->conns.spare) ? ACCEPTOR_SERVE_ONE : ACCEPTOR_NO_HELP;
}

static void on_listener_closed(void *owner)
{
    struct admin_listener *l = owner;
    l->closed = true;
    free_when_done(l);
}

static const struct acceptor_events events = {.on_client = on_client, .on_shortage = on_shortage, .on_closed = on_listener_closed};

/* From here on the loop holds l, so a failure closes it like a stop does. */
static int accept_on(struct admin_listener *l, struct uv_loop_s *loop, int fd, const char *place, struct err *err)
{
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

static struct admin_listener *new_listener(struct uv_loop_s *loop, const char *place, const struct admin_hooks *hooks, struct err *err)
{
    struct admin_listener *l = calloc(1, sizeof(*l));
    if (l == NULL || admin_conns_init(&l->conns, loop, hooks, MAX_CONNECTIONS) != 0) {
        free(l);
        err_set(err, ERR_MEMORY, "admin socket %s: out of memory", place);
        return NULL;
    }
    l->conns.on_empty = free_when_done;
    l->conns.ctx = l;
    spare_fd_take(&l->conns.spare);
    return l;
}

struct admin_listener *admin_listener_start(struct uv_loop_s *loop, const char *path, const struct admin_hooks *hooks, struct err *err)
{
    struct admin_listener *l = new_listener(loop, path, hooks, err);
    if (l == NULL)
        return NULL;
    int fd = admin_socket_bind(&l->file, path, err);
    if (fd < 0) {
        spare_fd_use(&l->conns.spare);
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
    struct admin_listener *l = new_listener(loop, text, hooks, err);
    if (l == NULL) {
        close(fd);
        return NULL;
    }
    if (accept_on(l, loop, fd, text, err) == 0)
        return l;
    admin_listener_stop(l);
    return NULL;
}

struct admin_listener *admin_listener_start_health_on(struct uv_loop_s *loop, int fd, const struct admin_hooks *hooks, struct err *err)
{
    struct admin_listener *l = admin_listener_start_on(loop, fd, "admin.health", hooks, err);
    if (l != NULL)
        l->conns.outside = true;
    return l;
}

struct admin_listener *admin_listener_start_health(struct uv_loop_s *loop, const struct config_health *place, bool first, const struct admin_hooks *hooks, struct err *err)
{
    struct err why = {0};
    int fd = listen_fd_open(&place->address, place->text, first, &why);
    if (fd < 0) {
        err_set(err, why.kind, "admin.health: %s", why.text);
        return NULL;
    }
    return admin_listener_start_health_on(loop, fd, hooks, err);
}

int admin_listener_fd(const struct admin_listener *l)
{
    return l->acceptor.fd;
}

void admin_listener_own(struct admin_listener *l, const char *path)
{
    admin_socket_own(&l->file, path);
}

void admin_listener_leave(struct admin_listener *l)
{
    if (l != NULL)
        l->file.path[0] = '\0';
}

void admin_listener_stop(struct admin_listener *l)
{
    if (l == NULL || l->conns.stopped)
        return;
    if (l->file.path[0] != '\0')
        admin_socket_remove(&l->file);
    admin_conns_stop(&l->conns);
    acceptor_close(&l->acceptor);
}

/* ---- what routes serve ---- */

enum { MAX_PAGES = 64 };

struct admin_pages {
    struct admin_conns conns;
};

static void free_pages_when_done(void *ctx)
{
    struct admin_pages *p = ctx;
    if (p->conns.stopped && p->conns.n == 0)
        free(p);
}

struct admin_pages *admin_pages_start(struct uv_loop_s *loop, const struct admin_hooks *hooks)
{
    struct admin_pages *p = calloc(1, sizeof(*p));
    if (p == NULL || admin_conns_init(&p->conns, loop, hooks, MAX_PAGES) != 0) {
        free(p);
        return NULL;
    }
    p->conns.on_empty = free_pages_when_done;
    p->conns.ctx = p;
    return p;
}

void admin_pages_take(struct admin_pages *p, int fd, enum config_serve what)
{
    admin_conn_begin(&p->conns, fd, what);
}

void admin_pages_end_streams(struct admin_pages *p)
{
    if (p != NULL)
        admin_conns_end_streams(&p->conns);
}

void admin_pages_stop(struct admin_pages *p)
{
    if (p == NULL)
        return;
    admin_conns_stop(&p->conns);
    free_pages_when_done(p);
}
